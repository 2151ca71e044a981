"""Follow trades, prices and books; resume without gaps; end with the session."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

from api.engine.declarations import global_id
from domain.identity import sessions
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.market.clearing import trades
from tests.api.market.conftest import Live
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order, first_delivery

TRADES = """
subscription Trades($market: ID!, $after: String) {
  trades(marketId: $market, after: $after) { cursor trade { energyKwh price buyOrder { id } } } }
"""
TICKS = """
subscription Ticks($market: ID!, $after: String) {
  priceTicks(marketId: $market, after: $after) { cursor deliveryStart price kind volumeKwh } }
"""
BOOK = """
subscription Book($market: ID!, $start: DateTime!) {
  orderBook(marketId: $market, deliveryStart: $start) { buy { price energyKwh } sell { price energyKwh } } }
"""


async def trade(live: Live, market: UUID, kwh: str, price: str = "0.2") -> None:
    """Make a trade in a batch of its own."""
    async with live.database.transaction() as session:
        await an_order(session, await a_trader(session), market, BUY, kwh, price)
        await an_order(session, await a_trader(session), market, SELL, kwh, price)
        await clear(session, market)


async def somebody(live: Live) -> tuple[UUID, Viewer, str]:
    """A market, and a person who signed in."""
    async with live.database.transaction() as session:
        market, trader = await a_market(session), await a_trader(session)
    assert trader.user_id is not None
    return market, *await live.signed_in(trader.user_id)


async def take(results: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(10):
        return [await anext(results) for _ in range(count)]


async def test_trades_resume_behind_a_cursor_without_gaps(live: Live) -> None:
    market, viewer, _ = await somebody(live)
    id = global_id("Market", market)
    for kwh in ("1", "2", "3"):
        await trade(live, market, kwh)
    start = live.follow(TRADES, viewer, market=id)
    following = asyncio.create_task(take(start, 1))
    await asyncio.sleep(0.1)

    await trade(live, market, "4")
    (fourth,) = await following
    await start.aclose()  # type: ignore[attr-defined]
    await trade(live, market, "5")
    async with aclosing(live.follow(TRADES, viewer, market=id, after=fourth["trades"]["cursor"])) as resumed:  # type: ignore[type-var]
        (fifth,) = await take(resumed, 1)

    assert fourth["trades"]["trade"] == {"energyKwh": "4", "price": "0.2", "buyOrder": None}
    assert fifth["trades"]["trade"] == {"energyKwh": "5", "price": "0.2", "buyOrder": None}


async def test_every_cursor_continues_with_the_next_event(live: Live) -> None:
    market, viewer, _ = await somebody(live)
    id = global_id("Market", market)
    begin = live.follow(TICKS, viewer, market=id)
    following = asyncio.create_task(take(begin, 3))
    await asyncio.sleep(0.1)
    for kwh, price in (("1", "0.1"), ("2", "0.2"), ("3", "0.3")):
        await trade(live, market, kwh, price)
    ticks = await following
    await begin.aclose()  # type: ignore[attr-defined]

    for i in range(2):
        again = live.follow(TICKS, viewer, market=id, after=ticks[i]["priceTicks"]["cursor"])
        assert await take(again, 2 - i) == ticks[i + 1 :]
        await again.aclose()  # type: ignore[attr-defined]
    told = [(tick["priceTicks"]["price"], tick["priceTicks"]["volumeKwh"]) for tick in ticks]
    assert told == [("0.1", "1"), ("0.2", "2"), ("0.3", "3")]
    assert {tick["priceTicks"]["kind"] for tick in ticks} == {"CLEARED"}


async def test_standing_prices_come_first_and_an_empty_cursor_starts_with_the_first_event(live: Live) -> None:
    market, viewer, _ = await somebody(live)
    id = global_id("Market", market)
    for kwh, price in (("1", "0.1"), ("2", "0.2")):
        await trade(live, market, kwh, price)
    late, all_of_them = live.follow(TICKS, viewer, market=id), live.follow(TICKS, viewer, market=id, after="")

    standing, history = await take(late, 1), await take(all_of_them, 2)
    following = asyncio.create_task(take(late, 1))
    await trade(live, market, "3", "0.3")
    new = await following
    for stream in (late, all_of_them):
        await stream.aclose()  # type: ignore[attr-defined]

    assert [tick["priceTicks"]["price"] for tick in standing + new] == ["0.2", "0.3"]
    assert [tick["priceTicks"]["price"] for tick in history] == ["0.1", "0.2"]


async def test_a_book_is_shown_now_and_when_it_changes(live: Live) -> None:
    market, viewer, _ = await somebody(live)
    start = first_delivery().isoformat()
    following = live.follow(BOOK, viewer, market=global_id("Market", market), start=start)

    shown = await take(following, 1)
    for first, price in ((1, "0.5"), (0, "0.1")):
        async with live.database.transaction() as session:
            await an_order(session, await a_trader(session), market, BUY, "1", price, delivery=a_delivery(first))
    shown += await take(following, 1)
    await following.aclose()  # type: ignore[attr-defined]

    assert [each["orderBook"] for each in shown] == [
        {"buy": [], "sell": []},
        {"buy": [{"price": "0.1", "energyKwh": "1"}], "sell": []},
    ]


async def test_a_session_that_ended_ends_the_stream(live: Live) -> None:
    market, viewer, _ = await somebody(live)
    following = live.follow(TRADES, viewer, market=global_id("Market", market))
    first = asyncio.create_task(take(following, 1))
    await asyncio.sleep(0.1)
    await trade(live, market, "1")
    await first
    async with live.database.transaction() as session:
        assert viewer.session_id is not None
        await sessions.close(session, viewer.session_id, everywhere=False)

    await trade(live, market, "2")

    assert await take(following, 1) == [["UNAUTHENTICATED"]]
    with pytest.raises(StopAsyncIteration):
        await take(following, 1)


@pytest.mark.parametrize("document", [TRADES, TICKS, BOOK])
async def test_nobody_follows_without_signing_in_or_an_unknown_market(live: Live, document: str) -> None:
    market, viewer, _ = await somebody(live)
    ids = {"start": first_delivery().isoformat()} if document is BOOK else {}

    nobody = live.follow(document, ANONYMOUS, market=global_id("Market", market), **ids)
    unknown = live.follow(document, viewer, market=global_id("Market", new_id()), **ids)

    assert await take(nobody, 1) == [["UNAUTHENTICATED"]]
    assert await take(unknown, 1) == [["BAD_USER_INPUT"]]


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJtYXJrZXQiLDFd", "bnVsbA", "é"])
async def test_a_cursor_of_another_stream_is_refused(live: Live, cursor: str) -> None:
    market, viewer, _ = await somebody(live)

    for document in (TRADES, TICKS):
        following = live.follow(document, viewer, market=global_id("Market", market), after=cursor)
        assert await take(following, 1) == [["BAD_USER_INPUT"]]


@pytest.mark.parametrize("number", [-1, 2**63, 10**30, 1.5, True, None, "1", [1]])
async def test_a_cursor_holds_a_number_that_a_stream_can_have(live: Live, number: object) -> None:
    market, viewer, _ = await somebody(live)
    cursor = base64.urlsafe_b64encode(json.dumps([trades.stream_of(market), number]).encode()).decode()

    following = live.follow(TRADES, viewer, market=global_id("Market", market), after=cursor)

    assert await take(following, 1) == [["BAD_USER_INPUT"]]
