"""Dutch auctions over GraphQL: open, follow, bid, take back, and what is refused."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.identity.viewers import Viewer
from domain.kernel.quantities import parse_micro
from domain.market.auctions import auctions
from domain.market.auctions.auctions import Descent
from domain.market.auctions.tables import AuctionBid, DutchAuction
from domain.market.clearing.tables import Trade
from domain.market.orders.tables import Order
from tests.api.conftest import Execute
from tests.api.market.conftest import Live
from tests.factories.market import a_delivery, a_market, a_trader, first_delivery, now

OPEN = """
mutation Open($input: OpenAuctionInput!) { openAuction(input: $input) {
  auction { id status energyKwh soldKwh startPrice floorPrice step stepSeconds price source delivery { start end }
    order { side status held } }
  errors { __typename code path ... on InsufficientFunds { required available } } } }
"""
BID = """
mutation Bid($input: BidInAuctionInput!) { bidInAuction(input: $input) {
  bid { id energyKwh price order { side status filledKwh fills { edges { node { energyKwh price } } } } }
  errors { __typename code path
    ... on AuctionClosed { status } ... on PriceAboveLimit { price } ... on TooLittleLeft { leftKwh }
    ... on IdempotencyConflict { key } } } }
"""
CANCEL = """
mutation Cancel($id: ID!) { cancelAuction(input: {id: $id}) {
  auction { status soldKwh price order { status held } } errors { __typename code ... on AuctionClosed { status } } } }
"""
SEEN = """
query Seen($id: ID!) { node(id: $id) { ... on Market { auctions { edges { node {
  status soldKwh order { id } bids { edges { node { energyKwh } } } } } } } } }
"""
TICKS = """
subscription Ticks($auction: ID!, $after: String) { auctionTicks(auctionId: $auction, after: $after) {
  cursor status price leftKwh nextTickAt } }
"""
TERMS = {"startPrice": "0.3", "floorPrice": "0.1", "step": "0.05", "stepSeconds": 60}
CLEARINGS = """
query Clearings($id: ID!) {
  viewer { orders { edges { node { fills { edges { node { clearing { batchOpenedAt createdAt } } } } } } } }
  node(id: $id) { ... on Market { clearings { edges { node { batchOpenedAt createdAt } } } } } }
"""


def an_input(market: UUID, **overrides: Any) -> dict[str, Any]:
    delivery = a_delivery(0, 2)
    facts = {
        "idempotencyKey": "an auction",
        "marketId": global_id("Market", market),
        "energyKwh": "2",
        "delivery": {"start": delivery.start.isoformat(), "end": delivery.end.isoformat()},
    }
    return facts | TERMS | overrides


def a_bid(auction: str, kwh: str, limit: str = "0.3", key: str = "a bid") -> dict[str, Any]:
    return {"idempotencyKey": key, "auctionId": auction, "energyKwh": kwh, "limitPrice": limit}


async def opened(execute: Execute, seller: Viewer, market: UUID, **overrides: Any) -> str:
    answer = await execute(OPEN, seller, input=an_input(market, **overrides))
    assert answer.refusals("openAuction") == []
    return str(answer.data["openAuction"]["auction"]["id"])


async def test_an_auction_is_opened_once_per_key_and_holds_what_its_order_does(
    session: AsyncSession, execute: Execute
) -> None:
    seller, market = await a_trader(session), await a_market(session, penalty_ueur_per_kwh=50_000)

    first = await execute(OPEN, seller, input=an_input(market))
    again = await execute(OPEN, seller, input=an_input(market))
    other = await execute(OPEN, seller, input=an_input(market, energyKwh="3"))

    made, delivery = first.data["openAuction"]["auction"], a_delivery(0, 2)
    span = made.pop("delivery")
    assert [datetime.fromisoformat(span[end]) for end in ("start", "end")] == [delivery.start, delivery.end]
    assert made.pop("id") == again.data["openAuction"]["auction"]["id"]
    assert made == TERMS | {
        "status": "OPEN",
        "energyKwh": "2",
        "soldKwh": "0",
        "price": "0.3",
        "source": None,
        "order": {"side": "SELL", "status": "OPEN", "held": "0.2"},  # 2 kWh in 2 intervals, all short at 0.05.
    }
    (conflict,) = other.refusals("openAuction")
    assert conflict["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await session.scalar(select(func.count()).select_from(DutchAuction)) == 1


async def test_a_bid_pays_the_clocks_price_and_nobody_else_sees_it(session: AsyncSession, execute: Execute) -> None:
    seller, buyer, market = await a_trader(session), await a_trader(session), await a_market(session)
    auction = await opened(execute, seller, market)

    first = await execute(BID, buyer, input=a_bid(auction, "1.5", limit="1"))
    again = await execute(BID, buyer, input=a_bid(auction, "1.5", limit="1"))
    others = await execute(SEEN, await a_trader(session), id=global_id("Market", market))
    own = await execute(SEEN, buyer, id=global_id("Market", market))

    made = first.data["bidInAuction"]["bid"]
    assert again.data["bidInAuction"]["bid"] == made
    fills = [{"node": {"energyKwh": "1.5", "price": "0.3"}}] * 2
    order = {"side": "BUY", "status": "FILLED", "filledKwh": "3", "fills": {"edges": fills}}
    assert made.pop("id").startswith("AuctionBid:")
    assert made == {"energyKwh": "1.5", "price": "0.3", "order": order}
    seen = {"status": "OPEN", "soldKwh": "1.5", "order": None}
    assert _nodes(others) == [seen | {"bids": {"edges": []}}]
    assert _nodes(own) == [seen | {"bids": {"edges": [{"node": {"energyKwh": "1.5"}}]}}]


async def test_a_bids_clearing_opened_when_it_was_made(session: AsyncSession, execute: Execute) -> None:
    seller, buyer, market = await a_trader(session), await a_trader(session), await a_market(session)
    await execute(BID, buyer, input=a_bid(await opened(execute, seller, market), "1.5", limit="1"))

    answer = await execute(CLEARINGS, buyer, id=global_id("Market", market))

    (order,) = answer.data["viewer"]["orders"]["edges"]
    shown = [edge["node"] for edge in answer.data["node"]["clearings"]["edges"]]
    assert [clearing["batchOpenedAt"] == clearing["createdAt"] for clearing in shown] == [True, True]
    assert [edge["node"]["clearing"] for edge in order["node"]["fills"]["edges"]] == shown


def _nodes(answer: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in answer.data["node"]["auctions"]["edges"]]


async def test_what_is_not_sold_is_taken_back(session: AsyncSession, execute: Execute) -> None:
    seller, buyer = await a_trader(session), await a_trader(session)
    auction = await opened(execute, seller, await a_market(session, penalty_ueur_per_kwh=50_000))
    await execute(BID, buyer, input=a_bid(auction, "0.5"))

    taken_back = await execute(CANCEL, seller, id=auction)
    again = await execute(CANCEL, seller, id=auction)
    late = await execute(BID, buyer, input=a_bid(auction, "0.5", key="too late"))

    order = {"status": "CANCELLED", "held": "0"}
    shown = {"status": "CANCELLED", "soldKwh": "0.5", "price": None, "order": order}
    closed = {"__typename": "AuctionClosed", "code": "AUCTION_CLOSED", "status": "CANCELLED"}
    assert taken_back.data["cancelAuction"] == {"auction": shown, "errors": []}
    assert again.refusals("cancelAuction") == [closed]
    assert late.refusals("bidInAuction") == [closed | {"path": ["auctionId"]}]


REFUSED_BIDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"limitPrice": "0.2999"}, {"__typename": "PriceAboveLimit", "code": "PRICE_ABOVE_LIMIT", "price": "0.3"}),
    ({"energyKwh": "2.001"}, {"__typename": "TooLittleLeft", "code": "TOO_LITTLE_LEFT", "leftKwh": "2"}),
    ({"energyKwh": "-1"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT"}),
    ({"idempotencyKey": ""}, {"__typename": "InvalidInput", "code": "INVALID_INPUT"}),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED_BIDS, ids=[next(iter(case)) for case, _ in REFUSED_BIDS])
async def test_a_refused_bid_says_why_and_changes_nothing(
    session: AsyncSession, execute: Execute, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    seller, buyer, market = await a_trader(session), await a_trader(session), await a_market(session)
    auction = await opened(execute, seller, market)

    answer = await execute(BID, buyer, input=a_bid(auction, "1") | change)

    (refused,) = answer.refusals("bidInAuction")
    assert refused.pop("path") == [next(iter(change))]
    assert refused == expected
    counts = [await session.scalar(select(func.count()).select_from(kind)) for kind in (AuctionBid, Trade, Order)]
    assert counts == [0, 0, 1]


async def test_a_scheduled_auction_has_no_price_and_takes_no_bids(session: AsyncSession, execute: Execute) -> None:
    seller, market = await a_trader(session), await a_market(session)
    opens_at = now() + timedelta(minutes=10)

    made = await execute(OPEN, seller, input=an_input(market, opensAt=opens_at.isoformat()))
    auction = made.data["openAuction"]["auction"]
    bid = await execute(BID, await a_trader(session), input=a_bid(auction["id"], "1"))

    assert (auction["status"], auction["price"]) == ("SCHEDULED", None)
    (refused,) = bid.refusals("bidInAuction")
    assert refused == {
        "__typename": "AuctionClosed",
        "code": "AUCTION_CLOSED",
        "path": ["auctionId"],
        "status": "SCHEDULED",
    }


async def test_an_auction_needs_what_its_seller_may_owe(session: AsyncSession, execute: Execute) -> None:
    seller, market = await a_trader(session, "0.1"), await a_market(session, penalty_ueur_per_kwh=50_000)

    answer = await execute(OPEN, seller, input=an_input(market))

    error = {"__typename": "InsufficientFunds", "code": "INSUFFICIENT_FUNDS", "path": None}
    assert answer.refusals("openAuction") == [error | {"required": "0.2", "available": "0.1"}]
    assert await session.scalar(select(func.count()).select_from(DutchAuction)) == 0


async def test_its_clock_is_followed_and_resumed(live: Live) -> None:
    opens_at = now().replace(microsecond=0)
    descent = Descent(parse_micro("0.3"), parse_micro("0.2"), parse_micro("0.05"), 60)
    async with live.database.transaction() as session:
        seller, market = await a_trader(session), await a_market(session)
        energy = parse_micro("1")
        auction = await auctions.open_auction(
            session, seller, "a key", market, energy, a_delivery(), descent, now=opens_at
        )
    assert seller.user_id is not None
    viewer, _ = await live.signed_in(seller.user_id)
    id = global_id("DutchAuction", auction)

    async with aclosing(live.follow(TICKS, viewer, auction=id)) as following:  # type: ignore[type-var]
        told = [await _next(following)]
        for minutes in (1, 2, 3):
            async with live.database.transaction() as session:
                await auctions.advance(session, now=opens_at + timedelta(minutes=minutes))
            told.append(await _next(following))
    async with aclosing(live.follow(TICKS, viewer, auction=id, after=told[1]["cursor"])) as resumed:  # type: ignore[type-var]
        again = [await _next(resumed) for _ in range(2)]

    assert [(tick["status"], tick["price"], tick["leftKwh"]) for tick in told] == [
        ("OPEN", "0.3", "1"),
        ("OPEN", "0.25", "1"),
        ("OPEN", "0.2", "1"),
        ("ENDED", "0.2", "1"),
    ]
    steps = [tick["nextTickAt"] and datetime.fromisoformat(tick["nextTickAt"]) for tick in told]
    assert steps == [*(opens_at + timedelta(minutes=minutes) for minutes in (1, 2, 3)), None]
    assert again == told[2:]
    assert first_delivery() > opens_at + timedelta(minutes=3)


async def _next(following: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        found: dict[str, Any] = (await anext(following))["auctionTicks"]
    return found
