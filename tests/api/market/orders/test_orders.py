"""Orders over GraphQL: place, cancel, see, explain."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.communities.tables import AssetKind
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.market.orders.tables import Order
from tests.api.conftest import Execute
from tests.domain.market.clearing.batches import clear
from tests.factories.communities import own_plant
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
)

PLACE = """
mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) {
  order { id side status energyKwh filledKwh limitPrice source closedAt delivery { start end } market { id } }
  errors { __typename code path
    ... on OffLot { lotKwh } ... on OffTick { tick } ... on OutOfBounds { lowest highest }
    ... on DeliveryMisaligned { deliveryMinutes } ... on MarketClosed { gateClosedAt tradesUntil }
    ... on IdempotencyConflict { key } }
} }
"""
CANCEL = """
mutation Cancel($id: ID!) { cancelOrder(input: {id: $id}) {
  order { status filledKwh } errors { __typename code path ... on OrderClosed { status } } } }
"""


def iso(instant: Any) -> str:
    return str(instant.isoformat().replace("+00:00", "Z"))


def an_input(market: Any, **overrides: Any) -> dict[str, Any]:
    delivery = {"start": iso(first_delivery()), "end": iso(first_delivery() + QUARTER)}
    facts = {
        "idempotencyKey": "a key",
        "marketId": global_id("Market", market),
        "side": "SELL",
        "energyKwh": "1.5",
        "limitPrice": "0.1234",
        "delivery": delivery,
    }
    return facts | overrides


async def test_places_an_order_and_gives_it_again_for_the_same_key(session: AsyncSession, execute: Execute) -> None:
    trader, market = await a_trader(session), await a_market(session)
    assert trader.user_id is not None
    await own_plant(session, trader.user_id, AssetKind.WIND)
    given = an_input(market, source="WIND")

    first = await execute(PLACE, trader, input=given)
    again = await execute(PLACE, trader, input=given)
    other = await execute(PLACE, trader, input=given | {"energyKwh": "2"})

    order = first.data["placeOrder"]["order"]
    assert order.pop("id").startswith("Order:")
    assert order == {
        "side": "SELL",
        "status": "OPEN",
        "energyKwh": "1.5",
        "filledKwh": "0",
        "limitPrice": "0.1234",
        "source": "WIND",
        "closedAt": None,
        "delivery": given["delivery"],
        "market": {"id": given["marketId"]},
    }
    assert again.errors == first.errors == []
    assert await session.scalar(select(func.count()).select_from(Order)) == 1
    assert other.refusals("placeOrder") == [
        {
            "__typename": "IdempotencyConflict",
            "code": "IDEMPOTENCY_KEY_REUSED",
            "path": ["idempotencyKey"],
            "key": "a key",
        }
    ]


def between(start: Any, end: Any) -> dict[str, Any]:
    return {"delivery": {"start": iso(start), "end": iso(end)}}


REFUSED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"energyKwh": "1.0001"}, {"__typename": "OffLot", "code": "OFF_LOT", "path": ["energyKwh"], "lotKwh": "0.001"}),
    (
        {"energyKwh": "0"},
        {
            "__typename": "OutOfBounds",
            "code": "INVALID_INPUT",
            "path": ["energyKwh"],
            "lowest": "0.001",
            "highest": "100000",
        },
    ),
    (
        {"limitPrice": "0.00001"},
        {"__typename": "OffTick", "code": "OFF_TICK", "path": ["limitPrice"], "tick": "0.0001"},
    ),
    (
        {"limitPrice": "4.5"},
        {"__typename": "OutOfBounds", "code": "INVALID_INPUT", "path": ["limitPrice"], "lowest": "-4", "highest": "4"},
    ),
    (
        between(first_delivery() + timedelta(minutes=1), first_delivery() + QUARTER),
        {"__typename": "DeliveryMisaligned", "code": "INVALID_INPUT", "path": ["delivery"], "deliveryMinutes": 15},
    ),
    (
        between(first_delivery() - timedelta(hours=9), first_delivery()),
        {
            "__typename": "MarketClosed",
            "code": "MARKET_CLOSED",
            "path": ["delivery", "start"],
            "gateClosedAt": iso(first_delivery() - timedelta(hours=9)),
            "tradesUntil": None,
        },
    ),
    ({"side": "BUY", "source": "SOLAR"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["source"]}),
    ({"idempotencyKey": ""}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["idempotencyKey"]}),
    ({"marketId": global_id("Market", new_id())}, {"__typename": "NotFound", "code": "NOT_FOUND", "path": None}),
]


@pytest.mark.parametrize(("given", "refusal"), REFUSED)
async def test_a_refusal_carries_its_facts(
    session: AsyncSession, execute: Execute, given: dict[str, Any], refusal: dict[str, Any]
) -> None:
    trader, market = await a_trader(session), await a_market(session)

    answer = await execute(PLACE, trader, input=an_input(market) | given)

    assert answer.refusals("placeOrder") == [refusal]
    assert answer.data["placeOrder"]["order"] is None
    assert await session.scalar(select(func.count()).select_from(Order)) == 0


async def test_a_delivery_beyond_the_horizon_is_refused_with_the_horizon(
    session: AsyncSession, execute: Execute
) -> None:
    trader, market = await a_trader(session), await a_market(session)
    far = first_delivery() + timedelta(hours=60)

    (refusal,) = (await execute(PLACE, trader, input=an_input(market, **between(far, far + QUARTER)))).refusals(
        "placeOrder"
    )

    assert (refusal["__typename"], refusal["code"], refusal["path"]) == (
        "MarketClosed",
        "MARKET_CLOSED",
        ["delivery", "end"],
    )
    assert refusal["gateClosedAt"] is None
    assert refusal["tradesUntil"] is not None


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"marketId": "Order:x"}, "marketId"),
        (between(first_delivery(), first_delivery()), "period"),
    ],
)
async def test_a_malformed_input_is_bad_user_input(
    session: AsyncSession, execute: Execute, given: dict[str, Any], argument: str
) -> None:
    answer = await execute(PLACE, await a_trader(session), input=an_input(await a_market(session)) | given)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", argument)]


async def test_who_may_place_and_cancel(session: AsyncSession, execute: Execute) -> None:
    trader, market = await a_trader(session), await a_market(session)
    reader = Viewer(
        user_id=trader.user_id,
        api_key_id=new_id(),
        api_key_kind=ApiKeyKind.PARTNER,
        scopes=frozenset({"read"}),
    )
    order = global_id("Order", await an_order(session, trader, market, BUY))

    for document, variables in ((PLACE, {"input": an_input(market)}), (CANCEL, {"id": order})):
        nobody = await execute(document, **variables)
        application = await execute(document, reader, **variables)
        assert [error["code"] for error in nobody.errors] == ["UNAUTHENTICATED"]
        assert [error["code"] for error in application.errors] == ["FORBIDDEN"]
    assert await session.scalar(select(func.count()).select_from(Order)) == 1


async def test_cancels_once(session: AsyncSession, execute: Execute) -> None:
    trader, market = await a_trader(session), await a_market(session)
    order = global_id("Order", await an_order(session, trader, market, BUY))

    done = await execute(CANCEL, trader, id=order)
    again = await execute(CANCEL, trader, id=order)
    foreign = await execute(CANCEL, await a_trader(session), id=order)

    assert done.data["cancelOrder"] == {"order": {"status": "CANCELLED", "filledKwh": "0"}, "errors": []}
    assert again.refusals("cancelOrder") == [
        {"__typename": "OrderClosed", "code": "ORDER_CLOSED", "path": ["id"], "status": "CANCELLED"}
    ]
    assert foreign.refusals("cancelOrder") == [{"__typename": "NotFound", "code": "NOT_FOUND", "path": None}]


OWN = """
query Own($filter: OrderFilter) { viewer {
  orders(filter: $filter, first: 50) { totalCount edges { node {
    side status filledKwh
    fills { totalCount edges { node {
      energyKwh price sellerPrice buyOrder { id } sellOrder { id } clearing { price } } } }
    explanation { deliveryStart reason message filledKwh price isTransferLimited clearing { soldKwh boughtKwh } } } } }
  trades { totalCount }
} }
"""


async def test_each_side_sees_its_fills_and_not_the_other_order(session: AsyncSession, execute: Execute) -> None:
    cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
    seller, buyer = await a_trader(session), await a_trader(session)
    sell = await an_order(session, seller, cheap, SELL, "5", "0.05", delivery=a_delivery(0, 2))
    buy = await an_order(session, buyer, dear, BUY, "3", "0.25")
    await clear(session, cheap)

    sold, bought, stranger = [
        (await execute(OWN, viewer)).data["viewer"] for viewer in (seller, buyer, await a_trader(session))
    ]

    trade = {"energyKwh": "1", "price": "0.25", "sellerPrice": "0.05", "clearing": {"price": "0.25"}}
    for viewer, own in (
        (sold, {"sellOrder": {"id": f"Order:{sell}"}, "buyOrder": None}),
        (bought, {"buyOrder": {"id": f"Order:{buy}"}, "sellOrder": None}),
    ):
        (order,) = [edge["node"] for edge in viewer["orders"]["edges"]]
        assert order["fills"] == {"totalCount": 1, "edges": [{"node": trade | own}]}
        assert (order["status"], order["filledKwh"]) == ("PARTIALLY_FILLED", "1")
        assert viewer["trades"] == {"totalCount": 1}
    explained = sold["orders"]["edges"][0]["node"]["explanation"]
    assert [(each["reason"], each["filledKwh"], each["price"], each["isTransferLimited"]) for each in explained] == [
        ("PARTLY_FILLED", "1", "0.05", True),
        ("NOTHING_TRADED", "0", None, False),
    ]
    assert explained[0]["clearing"] == {"soldKwh": "1", "boughtKwh": "0"}
    assert stranger == {"orders": {"totalCount": 0, "edges": []}, "trades": {"totalCount": 0}}


async def test_filters_own_orders(session: AsyncSession, execute: Execute) -> None:
    trader, market = await a_trader(session), await a_market(session)
    await an_order(session, trader, market, BUY)
    await an_order(session, trader, market, SELL, price="0.9", delivery=a_delivery(4))

    async def sides(**given: Any) -> list[str]:
        orders = (await execute(OWN, trader, filter=given)).data["viewer"]["orders"]["edges"]
        return [edge["node"]["side"] for edge in orders]

    assert await sides() == ["BUY", "SELL"]
    assert await sides(side="SELL") == ["SELL"]
    assert await sides(status=["FILLED", "EXPIRED"]) == []
    assert await sides(status=["OPEN"], **between(first_delivery(), first_delivery() + QUARTER)) == ["BUY"]


READ = """
query Read($market: ID!, $order: ID!, $trade: ID!) {
  order: node(id: $order) { __typename }  trade: node(id: $trade) { __typename }
  nodes(ids: [$order, $trade]) { __typename }
  market: node(id: $market) { ... on Market { orders { totalCount edges { node { id } } } trades { totalCount } } }
}
"""


async def test_who_sees_orders_and_trades_by_every_path(session: AsyncSession, execute: Execute) -> None:
    owner, seller, market = await a_trader(session), await a_trader(session), await a_market(session)
    order_id = await an_order(session, owner, market, BUY)
    await an_order(session, seller, market, SELL)
    await clear(session, market)
    trades = await execute(
        "query T($id: ID!) { node(id: $id) { ... on Market { trades { edges { node { id } } } } } }",
        seller,
        id=global_id("Market", market),
    )
    trade = trades.data["node"]["trades"]["edges"][0]["node"]["id"]
    partner = Viewer(owner.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({"read"}))
    meter = Viewer(
        owner.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.METER, scopes=frozenset({"readings:write"})
    )

    seen = {}
    for name, viewer in {
        "nobody": Viewer(),
        "owner": owner,
        "partner": partner,
        "meter": meter,
        "stranger": await a_trader(session),
        "admin": ADMIN,
    }.items():
        ids = {"market": global_id("Market", market), "order": global_id("Order", order_id), "trade": trade}
        data = (await execute(READ, viewer, **ids)).data
        assert data["nodes"] == [data["order"], data["trade"]]
        own, traded = data["market"]["orders"], data["market"]["trades"]["totalCount"]
        seen[name] = (bool(data["order"]), bool(data["trade"]), own["totalCount"], len(own["edges"]), traded)

    assert seen == {
        "nobody": (False, False, 0, 0, 0),
        "owner": (True, True, 1, 1, 1),
        "partner": (True, True, 1, 1, 1),
        "meter": (False, False, 0, 0, 0),
        "stranger": (False, True, 0, 0, 1),
        "admin": (True, True, 0, 0, 1),
    }


async def test_a_list_of_orders_takes_as_many_statements_at_50_as_at_1(session: AsyncSession, execute: Execute) -> None:
    market, few, many = await a_market(session), await a_trader(session), await a_trader(session)
    await an_order(session, few, market, BUY)
    for _ in range(50):
        await an_order(session, many, market, BUY)
    await an_order(session, await a_trader(session), market, SELL, "30", "0.1")
    await clear(session, market)

    async def statements(viewer: Viewer) -> int:
        engine, count = session.get_bind(), [0]

        def counted(*_: Any) -> None:
            count[0] += 1

        event.listen(engine, "after_cursor_execute", counted)
        answer = await execute(OWN, viewer)
        event.remove(engine, "after_cursor_execute", counted)
        assert answer.errors == []
        return count[0]

    assert await statements(many) == await statements(few)
