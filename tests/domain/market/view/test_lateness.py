"""A market is late when its orders wait and batches do not come, and not when its book rests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.orders import orders
from domain.market.places.tables import Market
from domain.market.view.lateness import late_markets
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, a_market, a_trader, an_order, first_delivery

BATCH_S = 5


async def is_late(session: AsyncSession, market: UUID, at: datetime) -> bool:
    return market in await late_markets(await session.connection(), now=at)


async def last_batch(session: AsyncSession, market: UUID, at: datetime) -> None:
    await session.execute(update(Market).where(Market.id == market).values(last_batch=int(at.timestamp())))


@pytest.mark.parametrize(
    ("last_s", "looked_s", "late"),
    [
        (-3_600, 1, False),  # The relay has not looked yet.
        (-3_600, BATCH_S + 2, True),
        (-1, 3 * BATCH_S - 2, False),
        (-1, 3 * BATCH_S, True),
        (-1, 3_600, True),
        (20, 3_600, False),  # Cleared since, and nothing happened.
        (600, 1, True),  # By a clock that was ahead.
        (600, 590, True),
    ],
)
async def test_a_market_is_late_when_batches_do_not_come(
    session: AsyncSession, last_s: int, looked_s: int, late: bool
) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY)
    placed = datetime.now(UTC)

    await last_batch(session, market, placed + timedelta(seconds=last_s))

    assert await is_late(session, market, placed + timedelta(seconds=looked_s)) is late


async def test_a_market_that_was_cleared_is_not_late_until_a_gate_closes(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY)
    await clear(session, market, batch=int(datetime.now(UTC).timestamp()) + 20)

    assert not await is_late(session, market, first_delivery())
    assert await is_late(session, market, first_delivery() + timedelta(seconds=BATCH_S))


async def test_a_market_without_open_orders_is_never_late(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session)
    order = await an_order(session, trader, market, BUY)
    placed = datetime.now(UTC)

    await orders.cancel(session, trader, order, now=placed)

    for seconds in (0, 60, 86_400):
        assert not await is_late(session, market, placed + timedelta(seconds=seconds))
    await last_batch(session, market, placed + timedelta(hours=1))
    assert not await is_late(session, market, placed)
