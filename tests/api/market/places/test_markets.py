"""Markets, books, prices and links over GraphQL."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.kernel.database import new_id
from domain.market.places.tables import Market
from tests.api.conftest import Execute
from tests.domain.market.clearing.batches import clear
from tests.factories.market import (
    ADMIN,
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_trader,
    a_zone,
    an_order,
    first_delivery,
)

CREATE = """
mutation Create($input: CreateMarketInput!) { createMarket(input: $input) {
  market { name pricing batchSeconds deliveryMinutes horizonHours lastPrice zone { code } }
  errors { __typename code path } } }
"""
LINK = """
mutation Link($input: LinkZonesInput!) { linkZones(input: $input) {
  link { capacityKwh cost fromZone { code } toZone { code } }
  errors { __typename code path ... on DeliveriesDiffer { deliveryMinutes } } } }
"""


def iso(instant: Any) -> str:
    return str(instant.isoformat().replace("+00:00", "Z"))


async def test_an_administrator_opens_a_market(session: AsyncSession, execute: Execute) -> None:
    zone = global_id("MarketZone", await a_zone(session, "NORD"))

    made = await execute(CREATE, ADMIN, input={"zoneId": zone, "name": "Nord", "batchSeconds": 9})
    again = await execute(CREATE, ADMIN, input={"zoneId": zone, "name": "Nord"})
    wrong = await execute(CREATE, ADMIN, input={"zoneId": zone, "name": "Nord", "deliveryMinutes": 20})

    assert made.data["createMarket"] == {
        "market": {
            "name": "Nord",
            "pricing": "UNIFORM",
            "batchSeconds": 9,
            "deliveryMinutes": 15,
            "horizonHours": 48,
            "lastPrice": None,
            "zone": {"code": "NORD"},
        },
        "errors": [],
    }
    assert again.refusals("createMarket") == [{"__typename": "MarketExists", "code": "CODE_TAKEN", "path": ["zoneId"]}]
    assert wrong.refusals("createMarket") == [
        {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["deliveryMinutes"]}
    ]


async def test_an_administrator_links_zones(session: AsyncSession, execute: Execute) -> None:
    zones = [await a_zone(session, code) for code in ("NORD", "SUD", "EST")]
    await a_market(session, zones[0])
    await a_market(session, zones[2], delivery_minutes=60)
    ends = {"fromZoneId": global_id("MarketZone", zones[0]), "toZoneId": global_id("MarketZone", zones[1])}

    made = await execute(LINK, ADMIN, input=ends | {"capacityKwh": "12.5", "cost": "0.01"})
    differing = ends | {"toZoneId": global_id("MarketZone", zones[2])}
    differ = await execute(LINK, ADMIN, input=differing | {"capacityKwh": "1", "cost": "0"})
    wrong = await execute(LINK, ADMIN, input=ends | {"capacityKwh": "-1", "cost": "0"})

    assert made.data["linkZones"] == {
        "link": {"capacityKwh": "12.5", "cost": "0.01", "fromZone": {"code": "NORD"}, "toZone": {"code": "SUD"}},
        "errors": [],
    }
    assert differ.refusals("linkZones") == [
        {
            "__typename": "DeliveriesDiffer",
            "code": "INVALID_INPUT",
            "path": None,
            "deliveryMinutes": [15, 60],
        }
    ]
    assert wrong.refusals("linkZones") == [
        {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["capacityKwh"]}
    ]
    listed = await execute("{ zoneLinks { edges { node { capacityKwh } } } }")
    assert listed.data == {"zoneLinks": {"edges": [{"node": {"capacityKwh": "12.5"}}]}}


async def test_others_may_not(session: AsyncSession, execute: Execute) -> None:
    zones = [global_id("MarketZone", await a_zone(session)) for _ in range(2)]
    create = {"zoneId": zones[0], "name": "Nord"}
    link = {"fromZoneId": zones[0], "toZoneId": zones[1], "capacityKwh": "1", "cost": "0"}

    for document, given in ((CREATE, create), (LINK, link)):
        nobody, person = (
            await execute(document, input=given),
            await execute(document, await a_trader(session), input=given),
        )
        assert [error["code"] for error in nobody.errors] == ["UNAUTHENTICATED"]
        assert [error["code"] for error in person.errors] == ["FORBIDDEN"]
    assert await session.scalar(select(func.count()).select_from(Market)) == 0


async def test_finds_markets_by_code_and_name_of_their_zone(session: AsyncSession, execute: Execute) -> None:
    for code in ("NORD", "SUD"):
        await a_market(session, await a_zone(session, code), name=code.title())

    async def names(**given: Any) -> list[str]:
        document = "query M($filter: MarketFilter) { markets(filter: $filter) { edges { node { name } } } }"
        edges = (await execute(document, filter=given)).data["markets"]["edges"]
        return [edge["node"]["name"] for edge in edges]

    assert await names() == ["Nord", "Sud"]
    assert await names(code="SUD") == ["Sud"]
    assert await names(code="SUD", name="nothing like it") == []
    assert await names(name="ZONE") == ["Nord", "Sud"]


BOOK = """
query Book($start: DateTime!, $depth: Int!) { markets { edges { node {
  orderBook(deliveryStart: $start, depth: $depth) { deliveryStart buy { price energyKwh } sell { price energyKwh } }
} } } }
"""


async def test_the_book_adds_up_what_is_open_by_price_for_everybody(session: AsyncSession, execute: Execute) -> None:
    market, _ = await a_market(session), await a_market(session)
    for side, kwh, price in (
        (BUY, "1", "0.1"),
        (BUY, "0.5", "0.1"),
        (BUY, "1", "0.05"),
        (BUY, "1", "0.01"),
        (BUY, "0.75", "0.3"),
        (SELL, "0.5", "0.2"),
        (SELL, "1", "0.4"),
    ):
        await an_order(session, await a_trader(session), market, side, kwh, price)
    await an_order(session, await a_trader(session), market, SELL, delivery=a_delivery(1))
    await clear(session, market)

    answer = await execute(BOOK, start=iso(first_delivery()), depth=3)

    books = [edge["node"]["orderBook"] for edge in answer.data["markets"]["edges"]]
    assert books == [
        {
            "deliveryStart": iso(first_delivery()),
            "buy": [
                {"price": "0.3", "energyKwh": "0.25"},
                {"price": "0.1", "energyKwh": "1.5"},
                {"price": "0.05", "energyKwh": "1"},
            ],
            "sell": [{"price": "0.4", "energyKwh": "1"}],
        },
        {"deliveryStart": iso(first_delivery()), "buy": [], "sell": []},
    ]


@pytest.mark.parametrize("depth", [0, 101])
async def test_the_depth_of_a_book_has_bounds(session: AsyncSession, execute: Execute, depth: int) -> None:
    await a_market(session)

    answer = await execute(BOOK, start=iso(first_delivery()), depth=depth)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", "depth")]


PRICES = """
query Prices($id: ID!, $period: PeriodInput!, $resolution: Resolution!) { node(id: $id) { ... on Market {
  lastPrice
  prices(period: $period, resolution: $resolution) {
    start resolution price lowestPrice highestPrice boughtKwh soldKwh }
  clearings { totalCount edges { node { deliveryStart price lowestPrice highestPrice surplus ordersCount } } } } } }
"""


async def test_prices_are_packed_and_weighted_by_energy(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    for kwh, price, first in (("1", "0.1", 0), ("3", "0.2", 0), ("1", "0.4", 2)):
        await an_order(session, await a_trader(session), market, SELL, kwh, price, delivery=a_delivery(first))
        await an_order(session, await a_trader(session), market, BUY, kwh, price, delivery=a_delivery(first))
        await clear(session, market)

    async def series(resolution: str, intervals: int) -> Any:
        period = {"start": iso(first_delivery()), "end": iso(first_delivery() + intervals * QUARTER)}
        ids = {"id": global_id("Market", market), "period": period, "resolution": resolution}
        return (await execute(PRICES, **ids)).data["node"]

    quarters, hour = await series("QUARTER_HOUR", 4), await series("HOUR", 4)

    assert quarters["lastPrice"] == "0.4"
    assert quarters["prices"] == {
        "start": iso(first_delivery()),
        "resolution": "QUARTER_HOUR",
        "price": [0.175, None, 0.4, None],
        "lowestPrice": [0.1, None, 0.4, None],
        "highestPrice": [0.2, None, 0.4, None],
        "boughtKwh": [4.0, 0.0, 1.0, 0.0],
        "soldKwh": [4.0, 0.0, 1.0, 0.0],
    }
    assert hour["prices"]["price"] == [0.22]
    assert hour["prices"]["boughtKwh"] == [5.0]
    assert hour["clearings"]["totalCount"] == 3
    assert hour["clearings"]["edges"][0]["node"] == {
        "deliveryStart": iso(first_delivery()),
        "price": "0.1",
        "lowestPrice": "0.1",
        "highestPrice": "0.1",
        "surplus": "0",
        "ordersCount": 2,
    }


@pytest.mark.parametrize(
    ("length", "resolution", "argument"),
    [
        (timedelta(days=1), "DAY", "resolution"),
        (timedelta(days=1), "QUARTER_HOUR", "resolution"),
        (timedelta(minutes=15), "HOUR", "period"),
        (timedelta(hours=10_001), "HOUR", "period"),
    ],
)
async def test_series_of_prices_have_bounds(
    session: AsyncSession, execute: Execute, length: timedelta, resolution: str, argument: str
) -> None:
    market = await a_market(session, delivery_minutes=30)
    period = {"start": iso(first_delivery()), "end": iso(first_delivery() + length)}

    answer = await execute(PRICES, id=global_id("Market", market), period=period, resolution=resolution)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", argument)]


async def test_an_unknown_market_is_null(execute: Execute) -> None:
    answer = await execute("query N($id: ID!) { node(id: $id) { id } }", id=global_id("Market", new_id()))

    assert (answer.data, answer.errors) == ({"node": None}, [])
