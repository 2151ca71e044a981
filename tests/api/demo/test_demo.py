"""The demo loads once, and its simulated meters, traders and auctions go on by themselves."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.demo import auctioning
from api.demo.feeding import report_until
from api.demo.loading import load
from api.demo.story import BELVAL, DEPOSIT_UEUR, PLACES
from api.demo.trading import HOMES, PARTS, PLANTS, QUARTER, TRADERS, part_ukwh, place_one
from api.resources.database import Database, connect
from domain.identity.tables import User
from domain.kernel.intervals import floor_to
from domain.kernel.quantities import format_micro
from domain.ledger import answers, payments
from domain.ledger.tables import Payment
from domain.market.auctions.tables import AuctionBid, DutchAuction
from domain.market.orders.tables import Order
from domain.metering.tables import Reading
from tests.factories.ledger import an_answer

NUMBERS = range(24)  # Enough for orders of plants and of homes.


async def test_meters_report_what_was_missed_and_traders_place_orders(fresh_database: str) -> None:
    database = connect(fresh_database, role="commonwatt_app", pool=2, statement_seconds=None)
    try:
        assert await load(database)
        assert not await load(database)
        async with database.transaction() as session:
            history = await session.scalar(select(func.count()).select_from(Reading))
            for place in PLACES:
                await report_until(session, place, floor_to(datetime.now(UTC) + timedelta(days=1), 15))
            await _pay(session)
        async with database.transaction() as session:
            reported = await session.scalar(select(func.count()).select_from(Reading))
            for number in NUMBERS:
                await place_one(session, random.Random(number))
        async with database.transaction() as session:
            placed = await session.scalar(select(func.count()).select_from(Order))
            acts = await session.scalar(text("SELECT count(*) FROM audit_entry WHERE act = 'order.place'"))
    finally:
        await database.close()

    assert history
    assert reported is not None
    assert reported > history
    assert placed == acts
    assert placed is not None
    assert placed > len(NUMBERS) // 2


async def _pay(session: AsyncSession) -> None:
    """What the worker and the payment provider do in a running demo."""
    now = datetime.now(UTC)
    asked = list(await session.scalars(select(Payment.id)))
    assert len(asked) == await session.scalar(select(func.count()).select_from(User))
    for payment_id in asked:
        await payments.submit(session, payment_id, now=now)
        await answers.record(session, an_answer(payment_id, format_micro(DEPOSIT_UEUR)), now=now)


async def test_what_the_api_can_show_is_there_and_wind_is_auctioned(fresh_database: str) -> None:
    database = connect(fresh_database, role="commonwatt_app", pool=2, statement_seconds=None)
    try:
        await load(database)
        async with database.transaction() as session:
            await _pay(session)
            counted = {table: await _count(session, table) for table in SHOWN}
        await auctioning.offer(database)
        await auctioning.offer(database)
        auctions, bids = await _bids(database)
    finally:
        await database.close()

    assert counted == SHOWN
    assert auctions <= 1  # None in a calm.
    assert bids >= auctions


# Two markets with four charges each, a price model, tariffs both ways, capacities both ways and a limit.
SHOWN = {
    "market_charge": 8,
    "price_model": 2,
    "grid_tariff": 4,
    "zone_capacity": 4,
    "zone_limit": 2,
    "grid_alert": 2,
    "trading_rule": 4,
    "price_alert": 1,
}


async def _count(session: AsyncSession, table: str) -> int:
    return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def _bids(database: Database) -> tuple[int, int]:
    """Auctions, and bids of homes once the first clock has come down."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE dutch_auction SET opens_at = opens_at - interval '5 minutes'"))
    for number in range(len(HOMES)):
        await auctioning.bid(database, random.Random(number))
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(DutchAuction)) or 0, (
            await session.scalar(select(func.count()).select_from(AuctionBid)) or 0
        )


@pytest.mark.parametrize("trader", TRADERS, ids=lambda trader: trader.person.login)
def test_traders_offer_no_more_than_their_meters_will_count(trader: Any) -> None:
    start = floor_to(datetime(2026, 6, 16, 10, tzinfo=UTC), 15)
    for start in (start + QUARTER * number for number in range(96)):
        expected, part = trader.expected_ukwh(start), part_ukwh(trader, start)

        assert abs(part) * PARTS <= abs(expected)
        assert part * expected >= 0


def test_plants_give_the_same_each_time_and_never_more_than_their_power() -> None:
    for plant in PLANTS:
        first, again = (BELVAL.metered(plant.number, date(2026, 3, 28), 3) for _ in range(2))

        assert [len(day.injected_ukwh) for day in first] == [96, 92, 96]  # Clocks are put forward.
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one.injected_ukwh, other.injected_ukwh)
            assert plant.person.plant is not None
            assert 0 <= one.injected_ukwh.min() <= one.injected_ukwh.max() <= plant.person.plant.power_w * 250
            assert not one.withdrawn_ukwh.any()
