import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from domain.audit.tables import AuditEntry
from domain.events import feed
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job
from domain.market.clearing import clearings, trades
from domain.market.clearing import ticks as prices
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import orders
from domain.market.orders.tables import Order, OrderInterval, OrderStatus
from domain.market.places import changes, markets
from domain.market.places.tables import EnergySource, Market
from tests.conftest import AS_THE_APPLICATION
from tests.domain.market.clearing.batches import clear, next_batch
from tests.domain.market.clearing.looking import KWH, all_of, breaches, everything
from tests.factories.market import (
    ADMIN,
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_trader,
    an_order,
    first_delivery,
    linked_markets,
    now,
)


async def test_a_buyer_and_a_seller_meet_in_the_middle(session: AsyncSession) -> None:
    buyer, seller, market = await a_trader(session), await a_trader(session), await a_market(session)
    buy = await an_order(session, buyer, market, BUY, "2", "0.30")
    sell = await an_order(session, seller, market, SELL, "1.5", "0.11", source=EnergySource.SOLAR)

    batch = next_batch()
    assert await clear(session, market, batch=batch)

    (clearing,) = await all_of(session, Clearing)
    assert (clearing.market_id, clearing.delivery_start, clearing.batch) == (market, first_delivery(), batch)
    # The buyer has more to take, so its limit is the only price that balances.
    assert (clearing.price_low_ueur_per_kwh, clearing.price_high_ueur_per_kwh) == (300_000, 300_000)
    assert (clearing.bought_ukwh, clearing.sold_ukwh, clearing.orders_count) == (1_500_000, 1_500_000, 2)
    assert clearing.welfare_ueur == 285_000  # 1.5 kWh x (0.30 - 0.11) EUR/kWh
    (trade,) = await all_of(session, Trade)
    assert (trade.energy_ukwh, trade.price_ueur_per_kwh, trade.seller_price_ueur_per_kwh) == (
        1_500_000,
        300_000,
        300_000,
    )
    assert (trade.buy_order_id, trade.sell_order_id, trade.source) == (buy, sell, EnergySource.SOLAR)
    assert (trade.buyer_id, trade.seller_id) == (buyer.user_id, seller.user_id)
    assert (trade.delivery_start, trade.delivery_end) == (first_delivery(), first_delivery() + QUARTER)
    states = {order.id: (order.status, order.filled_ukwh) for order in await all_of(session, Order)}
    assert states == {buy: (OrderStatus.PARTIALLY_FILLED, 1_500_000), sell: (OrderStatus.FILLED, 1_500_000)}
    assert (await session.get_one(Market, market, populate_existing=True)).last_price_ueur_per_kwh == 300_000
    assert await breaches(session) == []


async def test_a_price_between_two_full_orders_is_the_midpoint_in_half_ticks(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "1", "0.2")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1001")

    await clear(session, market)

    (clearing,) = await all_of(session, Clearing)
    assert (clearing.price_low_ueur_per_kwh, clearing.price_high_ueur_per_kwh) == (100_100, 200_000)
    assert clearing.price_ueur_per_kwh == 150_050


async def test_price_comes_first_then_time(session: AsyncSession) -> None:
    market = await a_market(session)
    early, late, dear = [
        await an_order(session, await a_trader(session), market, BUY, "1", price) for price in ("0.2", "0.2", "0.3")
    ]
    await an_order(session, await a_trader(session), market, SELL, "1.25", "0.1")

    await clear(session, market)

    fills = {order.id: order.filled_ukwh for order in await all_of(session, Order)}
    assert (fills[dear], fills[early], fills[late]) == (1_000_000, 250_000, 0)
    assert await breaches(session) == []


async def test_nobody_trades_with_itself(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    await an_order(session, trader, market, BUY, "1", "0.3")
    await an_order(session, trader, market, SELL, "1", "0.1")

    await clear(session, market)

    assert await all_of(session, Trade) == []
    assert {order.status for order in await all_of(session, Order)} == {OrderStatus.OPEN}


async def test_an_order_over_several_intervals_is_filled_in_each_by_itself(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await an_order(session, await a_trader(session), market, BUY, "1", "0.3", delivery=a_delivery(0, 3))
    await an_order(session, await a_trader(session), market, SELL, "2", "0.1", delivery=a_delivery(1, 2))

    await clear(session, market)

    intervals = select(OrderInterval).where(OrderInterval.order_id == buy).order_by(OrderInterval.delivery_start)
    assert [(each.filled_ukwh, each.is_open) for each in await session.scalars(intervals)] == [
        (0, True),
        (KWH, False),
        (KWH, False),
    ]
    order = await session.get_one(Order, buy, populate_existing=True)
    assert (order.status, order.filled_ukwh, order.closed_at) == (OrderStatus.PARTIALLY_FILLED, 2 * KWH, None)
    assert [row.delivery_start for row in await all_of(session, Clearing)] == [
        first_delivery() + QUARTER,
        first_delivery() + 2 * QUARTER,
    ]
    assert await breaches(session) == []


async def test_energy_flows_to_the_dearer_zone_up_to_the_limit(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
    sell = await an_order(session, await a_trader(session), cheap, SELL, "5", "0.05")
    buy = await an_order(session, await a_trader(session), dear, BUY, "3", "0.25")

    await clear(session, dear)

    (trade,) = await all_of(session, Trade)
    assert (trade.market_id, trade.seller_market_id, trade.energy_ukwh) == (dear, cheap, KWH)
    assert (trade.price_ueur_per_kwh, trade.seller_price_ueur_per_kwh) == (250_000, 50_000)
    assert (trade.sell_order_id, trade.buy_order_id) == (sell, buy)
    traded = {row.market_id: (row.bought_ukwh, row.sold_ukwh) for row in await all_of(session, Clearing)}
    assert traded == {cheap: (0, KWH), dear: (KWH, 0)}
    assert await breaches(session) == []


async def test_the_limit_of_a_link_holds_for_all_batches_of_a_delivery_together(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1")
    seller, buyer = await a_trader(session), await a_trader(session)
    await an_order(session, seller, cheap, SELL, "5", "0.05", delivery=a_delivery(0, 2))
    for kwh, first in (("0.4", 0), ("0.7", 0), ("0.9", 1), ("3", 0)):
        await an_order(session, buyer, dear, BUY, kwh, "0.25", delivery=a_delivery(first))
        await clear(session, dear)

    energy = func.sum(Trade.energy_ukwh).label("energy")
    start = Trade.delivery_start
    sent = select(start, energy).group_by(start).order_by(start)
    assert [(row.delivery_start, row.energy) for row in await session.execute(sent)] == [
        (first_delivery(), KWH),
        (first_delivery() + QUARTER, 900_000),
    ]
    assert await breaches(session) == []


async def test_energy_sold_back_frees_the_way(session: AsyncSession) -> None:
    first, second = await linked_markets(session, kwh="1")
    link = (await markets.coupled(session, first)).links[0]
    ends = {"from_zone_id": link.to_zone_id, "to_zone_id": link.from_zone_id}
    await markets.link_zones(session, ADMIN, **ends, capacity_ukwh=KWH, cost_ueur_per_kwh=0)
    a, b = await a_trader(session), await a_trader(session)
    for seller_market, buyer_market in ((first, second), (second, first)):
        await an_order(session, a, seller_market, SELL, "1", "0.05")
        await an_order(session, b, buyer_market, BUY, "1", "0.25")
        await clear(session, first)
    await an_order(session, a, first, SELL, "2", "0.05")
    await an_order(session, b, second, BUY, "2", "0.25")
    await clear(session, first)

    assert [trade.energy_ukwh for trade in await all_of(session, Trade)] == [KWH, KWH, KWH]


async def test_tells_of_trades_ticks_and_changes_in_order(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1")
    await an_order(session, await a_trader(session), cheap, SELL, "5", "0.05")
    await an_order(session, await a_trader(session), dear, BUY, "3", "0.25")

    await clear(session, dear)

    (trade,) = await all_of(session, Trade)
    for market, price in ((cheap, 50_000), (dear, 250_000)):
        told = await feed.after(session, trades.stream_of(market), 0, 10)
        assert [event.payload for event in told] == [{"trade_id": str(trade.id)}]
        ticks = [prices.tick_of(e.payload) for e in await feed.after(session, prices.stream_of(market), 0, 10)]
        assert ticks == [prices.Tick(first_delivery(), price, prices.TickKind.CLEARED, KWH)]
        assert changes.is_about(
            (await feed.after(session, changes.stream_of(market), 1, 10))[-1].payload, first_delivery()
        )
        entry = select(AuditEntry).where(AuditEntry.chain == str(market)).order_by(AuditEntry.sequence.desc()).limit(1)
        assert (await session.scalars(entry)).one().act == "market.clear"


async def test_an_indication_is_told_when_it_changes(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "1", "0.1")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.3")
    await clear(session, market)
    await clear(session, market)
    await an_order(session, await a_trader(session), market, SELL, "1", "0.2")
    await clear(session, market)

    ticks = [prices.tick_of(event.payload) for event in await feed.after(session, prices.stream_of(market), 0, 10)]

    kind = prices.TickKind.INDICATIVE
    assert ticks == [prices.Tick(first_delivery(), 200_000, kind), prices.Tick(first_delivery(), 150_000, kind)]
    assert await all_of(session, Clearing) == []
    assert (await session.get_one(Market, market, populate_existing=True)).last_price_ueur_per_kwh is None


async def test_what_has_begun_is_not_cleared(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "1", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")

    await clear(session, market, now=first_delivery())

    assert await all_of(session, Trade) == []


async def test_clearings_and_trades_are_never_edited(session: AsyncSession) -> None:
    for table in ("clearing", "trade"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with session.begin_nested():
                await session.execute(text(f"UPDATE {table} SET price_ueur_per_kwh = 0"))


async def asked(session: AsyncSession, at: datetime) -> list[tuple[str, dict[str, Any]]]:
    ids = await clearings.schedule(session, now=at)
    return [(job.key, job.arguments) for job in await session.scalars(select(Job).where(Job.id.in_(ids)))]


async def test_a_batch_is_asked_for_when_it_is_due_and_something_is_open(session: AsyncSession) -> None:
    first, second = sorted(await linked_markets(session))
    nothing_open = await asked(session, now())
    await an_order(session, await a_trader(session), first, BUY)
    at = now()
    batch = int(at.timestamp()) // 5 * 5

    one = await asked(session, at)
    while_it_runs = await asked(session, at + timedelta(seconds=5))

    assert nothing_open == []
    assert one == [(f"clear:{first}:{batch}", {"market_ids": [str(first), str(second)], "batch": batch})]
    assert while_it_runs == []


async def test_a_book_that_nothing_happened_to_rests_until_a_gate_closes(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY)
    placed = now()
    later = placed + timedelta(seconds=clearings.SETTLES_S + 10)
    await clear(session, market, batch=int(placed.timestamp()) // 5 * 5)

    too_early = await asked(session, placed)
    await clear(session, market, batch=int(later.timestamp()) // 5 * 5, now=later)
    resting = await asked(session, later + timedelta(seconds=60))
    at_the_gate = await asked(session, first_delivery())

    assert (too_early, resting) == ([], [])
    assert len(at_the_gate) == 1


async def test_cancelling_and_clearing_at_once_leave_a_book_that_holds(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        market = await a_market(session)
        placed = [await a_pair(session, market) for _ in range(6)]

    outcomes = await asyncio.gather(
        _clear_at_once(engine, market),
        *(_cancel_at_once(engine, *each) for each in placed),
        _clear_at_once(engine, market),
    )
    async with AsyncSession(engine) as session:
        found = await breaches(session)
        statuses = {order.id: order.status for order in await all_of(session, Order)}
    await engine.dispose()

    assert found == []
    for (_, order_id), outcome in zip(placed, outcomes[1:-1], strict=True):
        assert statuses[order_id] is (OrderStatus.CANCELLED if outcome else OrderStatus.FILLED)


async def a_pair(session: AsyncSession, market: UUID) -> tuple[Viewer, UUID]:
    """A sell order and a buy order that would meet; gives the buyer and its order."""
    buyer = await a_trader(session)
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    return buyer, await an_order(session, buyer, market, BUY, "1", "0.3")


async def _cancel_at_once(engine: AsyncEngine, buyer: Viewer, order_id: UUID) -> bool:
    try:
        async with AsyncSession(engine) as session, session.begin():
            await orders.cancel(session, buyer, order_id, now=now())
    except orders.OrderClosed:
        return False
    return True


async def _clear_at_once(engine: AsyncEngine, market: UUID) -> bool:
    while True:
        try:
            async with AsyncSession(engine) as session, session.begin():
                return await clear(session, market)
        except clearings.BookChanged:
            continue


PLACED = st.tuples(
    st.integers(0, 3),
    st.integers(0, 1),
    st.sampled_from([BUY, SELL]),
    st.sampled_from(["0.001", "0.5", "2"]),
    st.sampled_from(["0.1", "0.1001", "0.2", "0.3"]),
    st.integers(0, 2),
    st.integers(1, 2),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(PLACED, max_size=5), min_size=1, max_size=3))
async def test_whatever_is_placed_the_invariants_hold_and_repeating_changes_nothing(
    session: AsyncSession, batches: list[list[tuple[Any, ...]]]
) -> None:
    async with session.begin_nested() as example:
        linked = await linked_markets(session, kwh="0.7", eur_per_kwh="0.02")
        people = [await a_trader(session) for _ in range(4)]
        for placed in batches:
            for who, where, side, kwh, price, first, intervals in placed:
                delivery = a_delivery(first, intervals)
                await an_order(session, people[who], linked[where], side, kwh, price, delivery=delivery)
            batch = next_batch()
            await clear(session, linked[0], batch=batch)
            before = await everything(session)

            assert not await clear(session, linked[1], batch=batch)
            assert await everything(session) == before
        assert await breaches(session) == []
        await example.rollback()
