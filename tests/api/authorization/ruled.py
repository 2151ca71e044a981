"""Trading rules in the world: Bob's, Gus's and Ada's, each with a run and a simulation; Bob's placed his order."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.orders.tables import Order
from domain.market.rules import rules
from domain.market.rules.tables import RuleKind, TradingRuleRun, TradingRuleSimulation
from tests.factories.rules import NOW, the_terms

ROWS = ("bob's", "gus's", "ada's")


async def make_rules(session: AsyncSession, world: Any) -> None:
    """Rules in the market of the north."""
    market_id = world.rows["Market"]["north"]
    for name in ROWS:
        owner_id = world.rows["User"][name.removesuffix("'s")]
        owner = Viewer(user_id=owner_id)
        rule_id = await rules.create(session, owner, market_id, RuleKind.SELL_SURPLUS_ABOVE, the_terms())
        world.keep("TradingRule", name, rule_id)
        for entity, row in (("TradingRuleRun", a_run), ("TradingRuleSimulation", a_simulation)):
            made = row(rule_id, owner_id, world.rows["Order"][name])
            session.add(made)
            await session.flush()
            world.keep(entity, name, made)
    placed = update(Order).where(Order.id == world.rows["Order"]["bob's"])
    await session.execute(placed.values(rule_id=world.rows["TradingRule"]["bob's"]))


def a_run(rule_id: UUID, owner_id: UUID, order_id: UUID) -> TradingRuleRun:
    """A run that placed one order."""
    energies = {"energy_ukwh": 1_000, "forecast_ukwh": 1_000, "bound_ukwh": 0, "kept_ukwh": 0, "left_on_day_ukwh": None}
    came = {"delivery_start": NOW.isoformat(), "order_id": str(order_id), "refusal": None, "message": None}
    return TradingRuleRun(
        rule_id=rule_id,
        owner_id=owner_id,
        rule_version=1,
        delivery_start=NOW,
        delivery_end=NOW,
        orders_count=1,
        refused_count=0,
        offered_ukwh=1_000,
        decisions=[energies | came],
    )


def a_simulation(rule_id: UUID, owner_id: UUID, _: Any = None) -> TradingRuleSimulation:
    """A simulation in which nothing happened."""
    energies = {"offered_ukwh": 0, "filled_ukwh": 0, "delivered_ukwh": 0}
    return TradingRuleSimulation(
        rule_id=rule_id,
        owner_id=owner_id,
        rule_version=1,
        period_start=NOW,
        period_end=NOW,
        orders_count=0,
        amount_ueur=0,
        input_digest="x",
        parameters={"timezone": "UTC"},
        orders=[],
        **energies,
    )
