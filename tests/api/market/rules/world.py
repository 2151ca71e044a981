"""Trading rules of Bob, Gus and Ada, each with a run and a simulation; Bob's placed his order."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.orders.tables import Order
from domain.market.rules import rules
from domain.market.rules.tables import RuleKind
from tests.api.authorization.world import World
from tests.factories.rules import a_run, a_simulation, the_terms

ROWS = ("bob's", "gus's", "ada's")


async def add_rows(session: AsyncSession, world: World) -> None:
    """Rules in the market of the north."""
    market_id = world.rows["Market"]["north"]
    for name in ROWS:
        owner_id = world.rows["User"][name.removesuffix("'s")]
        owner = Viewer(user_id=owner_id)
        rule_id = await rules.create(session, owner, market_id, RuleKind.SELL_SURPLUS_ABOVE, the_terms())
        world.keep("TradingRule", name, rule_id)
        for entity, row in (("TradingRuleRun", a_run), ("TradingRuleSimulation", a_simulation)):
            made = row(rule_id, owner_id, world.rows["Order"][name])
            await world.store(session, entity, name, made)
    placed = update(Order).where(Order.id == world.rows["Order"]["bob's"])
    await session.execute(placed.values(rule_id=world.rows["TradingRule"]["bob's"]))
