"""Batches: when one is due, what happens beside it, and that running it again changes nothing."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.clearing.bridge import clear_book
from domain.market.clearing import book, clearings
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import orders
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places import markets
from tests.domain.market.clearing.batches import clear, next_batch
from tests.domain.market.clearing.looking import KWH, all_of, breaches, everything
from tests.factories.market import BUY, SELL, a_market, a_trader, an_order, now


async def test_running_a_batch_again_changes_nothing(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    batch = next_batch()
    await clear(session, market, batch=batch)
    before = await everything(session)

    assert not await clear(session, market, batch=batch)

    assert await everything(session) == before


async def test_the_next_batch_goes_on_with_what_is_left(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
    for _ in range(2):
        await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
        await clear(session, market)

    order = await session.get_one(Order, buy, populate_existing=True)
    assert (order.status, order.filled_ukwh) == (OrderStatus.FILLED, 2 * KWH)
    assert [row.orders_count for row in await all_of(session, Clearing)] == [2, 2]
    assert await breaches(session) == []


async def test_a_batch_is_refused_when_an_order_it_fills_was_cancelled_meanwhile(session: AsyncSession) -> None:
    buyer, market = await a_trader(session), await a_market(session)
    buy = await an_order(session, buyer, market, BUY, "2", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    read = await book.read(session, await markets.coupled(session, market), now=now())
    outcome = clear_book(read)
    await orders.cancel(session, buyer, buy, now=now())
    before = await everything(session)

    with pytest.raises(clearings.BookChanged):
        async with session.begin_nested():
            await clearings.record(session, read, outcome, batch=next_batch(), job_id=None, now=now())

    assert await everything(session) == before


async def test_an_order_that_is_not_filled_may_be_cancelled_meanwhile(session: AsyncSession) -> None:
    cautious, market = await a_trader(session), await a_market(session)
    low = await an_order(session, cautious, market, BUY, "2", "0.05")
    await an_order(session, await a_trader(session), market, BUY, "1", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    read = await book.read(session, await markets.coupled(session, market), now=now())
    outcome = clear_book(read)
    await orders.cancel(session, cautious, low, now=now())

    assert await clearings.record(session, read, outcome, batch=next_batch(), job_id=None, now=now())

    assert len(await all_of(session, Trade)) == 1
    assert await breaches(session) == []


async def test_a_book_that_another_batch_cleared_meanwhile_is_refused(session: AsyncSession) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "2", "0.1")
    read = await book.read(session, await markets.coupled(session, market), now=now())
    await clear(session, market)

    with pytest.raises(clearings.BookChanged):
        await clearings.record(session, read, clear_book(read), batch=next_batch(), job_id=None, now=now())
