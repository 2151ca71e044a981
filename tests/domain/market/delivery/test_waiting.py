"""When trades are settled: not before their delivery is over and its readings are in, and once."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger.tables import AccountKind
from domain.market.delivery import hours, recording, settlement
from domain.market.delivery.tables import DeliveryHour, TradeDelivery
from tests.domain.market.delivery.settled import terms, the_pair, versions
from tests.factories.deliveries import (
    AFTER,
    NOON,
    a_trade,
    balances,
    injected,
    look,
    of_market,
)
from tests.factories.market import a_market


async def test_a_trade_waits_for_readings_and_is_settled_when_they_come(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session, sold=None)
    trade = await a_trade(session, market, seller, buyer)

    before = await look(session)
    waiting = await hours.due(session, now=AFTER)
    await injected(session, seller, "1")
    noted = await hours.note_arrivals(session, now=AFTER + timedelta(days=30))
    after = await look(session, now=AFTER + timedelta(minutes=1))

    assert (before, waiting, after) == (0, [], 1)
    assert noted == 1
    assert await versions(session, trade) == [(1, 1_000_000, 0, 0)]


async def test_after_the_days_of_grace_a_missing_reading_counts_as_zero(session: AsyncSession) -> None:
    market = await a_market(session)
    await terms(session, market, grace_days=3)
    seller, buyer = await the_pair(session, sold=None)
    trade = await a_trade(session, market, seller, buyer)
    over = trade.delivery_end + timedelta(days=3)

    early = await look(session, now=over - timedelta(seconds=1))
    due_at = await session.scalar(select(DeliveryHour.look_at))
    late = await look(session, now=over)

    assert (early, due_at, late) == (0, over, 1)
    assert await versions(session, trade) == [(1, 0, 1_000_000, 0)]
    assert (await session.scalars(select(TradeDelivery.is_provisional))).all() == [True]


async def test_nothing_is_settled_before_its_delivery_has_ended(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer)

    recorded = await look(session, now=trade.delivery_end - timedelta(seconds=1))

    assert recorded == 0
    assert await of_market(session, market, AccountKind.ESCROW) == [200_000]


async def test_to_look_once_more_changes_nothing(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer)
    await look(session)
    facts = (await versions(session, trade), await balances(session, seller), await balances(session, buyer))

    again = await look(session, now=AFTER + timedelta(days=1))

    assert again == 0
    assert (await versions(session, trade), await balances(session, seller), await balances(session, buyer)) == facts


async def test_of_two_workers_that_read_the_same_hour_one_settles(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    await a_trade(session, market, seller, buyer)
    read = await hours.read(session, NOON)
    settled = list(settlement.settle(read, [settlement.Delivered(1_000_000, 0, 0)]))
    await look(session)

    held = await recording.hold(session, read, recording.ready(settled, {}, actor="b", now=AFTER))
    await recording.record(session, read, held)

    assert held.settled == ()
    assert await balances(session, seller) == (200_000, 0, 0)
