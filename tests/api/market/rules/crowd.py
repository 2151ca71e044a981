"""Rules of the first user; the first one placed all orders, and ran and was simulated often."""

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.kernel.database import new_id
from domain.market.orders.tables import Order
from domain.market.places.tables import Market
from domain.market.rules.tables import RuleKind, TradingRule
from tests.api.crowd import MANY, START, Crowd, ids, stored
from tests.factories.rules import a_run, a_simulation


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty of each."""
    owner_id, *_ = await ids(session, User)
    market_id, *_ = await ids(session, Market)
    facts = {"kind": RuleKind.BUY_BELOW, "name": "x", "timezone": "UTC", "price_ueur_per_kwh": 100}
    often = {"owner_id": owner_id, "hours": [0], "weekdays": ["MONDAY"], **facts}
    made = await stored(session, [TradingRule(market_id=market_id, **often) for _ in range(MANY)])
    await session.execute(update(Order).values(rule_id=made[0].id))
    pairs = [(made[0].id, number) for number in range(MANY)] + [(rule.id, 0) for rule in made[1:]]
    runs = []
    for rule_id, number in pairs:
        run = a_run(rule_id, owner_id, new_id())
        run.delivery_start = START + number * timedelta(minutes=15)
        runs.append(run)
    await stored(session, runs)
    await stored(session, [a_simulation(rule_id, owner_id) for rule_id, _ in pairs])
