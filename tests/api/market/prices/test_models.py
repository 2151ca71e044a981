"""Model prices and grid tariffs over GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.market.prices import bridge
from domain.identity.viewers import Viewer
from domain.kernel.quantities import WHOLE_PPM
from domain.market.clearing.book import Level
from domain.market.places.tables import OrderSide
from domain.market.prices.model_prices import Rate
from domain.market.prices.tables import GridTariff, PriceModel
from tests.api.conftest import Execute
from tests.factories.market import ADMIN, BUY, SELL, a_market, a_trader, a_zone, an_order, first_delivery
from tests.factories.prices import a_price_model, grid_prices, some_terms, weights

SET_MODEL = """
mutation Set($input: SetPriceModelInput!) { setPriceModel(input: $input) {
  priceModel { supplyDemandRatioWeight midMarketRateWeight crossingValueWeight compensation divider congestionAdder
    congestionFrom hasFloor hasCap timezone holidays
    tiers { name value days firstMonth lastMonth fromMinute toMinute } }
  errors { __typename code path ... on WeightsDoNotAddUp { total } } } }
"""
SET_TARIFF = """
mutation Set($input: SetGridTariffInput!) { setGridTariff(input: $input) {
  gridTariff { direction price timezone tiers { name value } }
  errors { __typename code path } } }
"""
PRICE = """
query Price($id: ID!, $at: DateTime!) { node(id: $id) { ... on Market {
  modelPrice(at: $at) { deliveryStart price parts { kind part value share tier } }
} } }
"""
STANDING = """
query Standing($id: ID!, $intervals: Int!) { node(id: $id) { ... on Market {
  priceModel { midMarketRateWeight } gridTariffs { direction price }
  modelPrices(intervals: $intervals) { deliveryStart price }
} } }
"""


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def test_a_price_tells_its_parts_to_everybody(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    await a_price_model(session, market, weights_ppm=weights(ratio=500_000, crossing=500_000))
    await grid_prices(session, market, "0.25", "0.08")
    for side, kwh, price in ((BUY, "1", "0.1"), (SELL, "2", "0.3")):
        await an_order(session, await a_trader(session), market, side, kwh, price)

    at = first_delivery() + timedelta(minutes=7)
    answer = await execute(PRICE, id=global_id("Market", market), at=iso(at))

    # The cheapest buy is below the dearest sell, so the crossing value stands for the ratio too.
    assert answer.data["node"]["modelPrice"] == {
        "deliveryStart": iso(first_delivery()),
        "price": "0.2",
        "parts": [
            {"kind": "SUPPLY_DEMAND_RATIO", "part": "0.1", "value": "0.2", "share": "0.5", "tier": None},
            {"kind": "CROSSING_VALUE", "part": "0.1", "value": "0.2", "share": "0.5", "tier": None},
        ],
    }


async def test_without_a_model_there_is_no_model_price(session: AsyncSession, execute: Execute) -> None:
    market = global_id("Market", await a_market(session))

    assert (await execute(PRICE, id=market, at=iso(first_delivery()))).data["node"] == {"modelPrice": None}
    assert (await execute(STANDING, id=market, intervals=1)).data["node"] == {
        "priceModel": None,
        "gridTariffs": [],
        "modelPrices": None,
    }


async def test_the_current_interval_and_those_that_follow(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    await grid_prices(session, market, "0.3", "0.1", datetime.now(UTC) - timedelta(hours=1))
    await a_price_model(session, market, datetime.now(UTC) - timedelta(hours=1))

    node = (await execute(STANDING, id=global_id("Market", market), intervals=3)).data["node"]

    starts = [datetime.fromisoformat(price["deliveryStart"]) for price in node["modelPrices"]]
    assert starts[0] <= datetime.now(UTC)
    assert [later - starts[0] for later in starts] == [n * timedelta(minutes=15) for n in range(3)]
    assert {price["price"] for price in node["modelPrices"]} == {"0.2"}
    assert node["gridTariffs"] == [{"direction": "IMPORT", "price": "0.3"}, {"direction": "EXPORT", "price": "0.1"}]
    assert node["priceModel"] == {"midMarketRateWeight": "1"}


@pytest.mark.parametrize("intervals", [0, 17])
async def test_so_many_intervals_are_not_told(session: AsyncSession, execute: Execute, intervals: int) -> None:
    answer = await execute(STANDING, id=global_id("Market", await a_market(session)), intervals=intervals)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", "intervals")]


async def test_the_operator_of_the_zone_sets_a_model(session: AsyncSession, execute: Execute) -> None:
    zone = await a_zone(session)
    market = global_id("Market", await a_market(session, zone))
    operator = Viewer(user_id=(await a_trader(session)).user_id, operated_zone_ids=frozenset({zone}))
    tier = {"name": "peak", "value": "0.03", "days": ["WEEKDAY"], "fromMinute": 480, "toMinute": 1_200}
    given = {
        "marketId": market,
        "supplyDemandRatioWeight": "0.25",
        "midMarketRateWeight": "0.75",
        "congestionAdder": "0.05",
        "timezone": "Europe/Rome",
        "holidays": ["2026-12-25", "2026-12-08"],
        "tiers": [tier],
    }

    made = await execute(SET_MODEL, operator, input=given)

    assert made.data["setPriceModel"] == {
        "priceModel": {
            "supplyDemandRatioWeight": "0.25",
            "midMarketRateWeight": "0.75",
            "crossingValueWeight": "0",
            "compensation": "0",
            "divider": "0.5",
            "congestionAdder": "0.05",
            "congestionFrom": "0.8",
            "hasFloor": True,
            "hasCap": True,
            "timezone": "Europe/Rome",
            "holidays": ["2026-12-08", "2026-12-25"],
            "tiers": [tier | {"firstMonth": 1, "lastMonth": 12}],
        },
        "errors": [],
    }


async def test_the_operator_of_the_zone_sets_a_tariff(session: AsyncSession, execute: Execute) -> None:
    zone = await a_zone(session)
    operator = Viewer(user_id=(await a_trader(session)).user_id, operated_zone_ids=frozenset({zone}))
    given = {"zoneId": global_id("MarketZone", zone), "direction": "EXPORT", "price": "0.08"}

    made = await execute(SET_TARIFF, operator, input=given | {"tiers": [{"name": "noon", "value": "-0.01"}]})

    tariff = {"direction": "EXPORT", "price": "0.08", "timezone": "UTC", "tiers": [{"name": "noon", "value": "-0.01"}]}
    assert made.data["setGridTariff"] == {"gridTariff": tariff, "errors": []}


async def test_refusals_say_why_and_change_nothing(session: AsyncSession, execute: Execute) -> None:
    zone = await a_zone(session)
    market = global_id("Market", await a_market(session, zone))
    model = {"marketId": market, "midMarketRateWeight": "1"}
    tariff = {"zoneId": global_id("MarketZone", zone), "direction": "IMPORT", "price": "0.3"}
    trader = await a_trader(session)

    uneven = await execute(SET_MODEL, ADMIN, input=model | {"midMarketRateWeight": "0.9"})
    past = await execute(SET_TARIFF, ADMIN, input=tariff | {"validFrom": "2026-01-01T00:00:00Z"})
    dear = await execute(SET_TARIFF, ADMIN, input=tariff | {"price": "4.000001"})
    tier = await execute(SET_MODEL, ADMIN, input=model | {"tiers": [{"name": "x", "value": "0", "firstMonth": 13}]})
    strangers = [await execute(SET_MODEL, trader, input=model), await execute(SET_TARIFF, trader, input=tariff)]

    assert uneven.refusals("setPriceModel") == [
        {
            "__typename": "WeightsDoNotAddUp",
            "code": "INVALID_INPUT",
            "path": ["supplyDemandRatioWeight"],
            "total": "0.9",
        }
    ]
    assert past.refusals("setGridTariff") == [
        {"__typename": "BeginsOutOfRange", "code": "INVALID_INPUT", "path": ["validFrom"]}
    ]
    assert dear.refusals("setGridTariff") == [
        {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["price"]}
    ]
    assert tier.refusals("setPriceModel") == [
        {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["tiers", "0", "firstMonth"]}
    ]
    assert [[error["code"] for error in answer.errors] for answer in strangers] == [["FORBIDDEN"], ["FORBIDDEN"]]
    for table in (PriceModel, GridTariff):
        assert await session.scalar(select(func.count()).select_from(table)) == 0


def test_rates_of_the_published_books() -> None:
    """INESC TEC's example, as in tests of the solver: here the levels of a book as the database adds them up."""
    buys = [Level(OrderSide.BUY, price * 1_000, 500_000) for price in (45, 40, 35)]

    def rates(*sells: tuple[int, int], compensation: int = 0) -> dict[Rate, int]:
        book = buys + [Level(OrderSide.SELL, price * 1_000, energy * 1_000) for energy, price in sells]
        every = weights(400_000, 300_000, 300_000)
        return bridge.rates_of(book, some_terms(weights_ppm=every, compensation_ppm=compensation))

    ratio, mid = Rate.SUPPLY_DEMAND_RATIO, Rate.MID_MARKET_RATE
    assert rates((500, 0), (600, 10), (500, 15))[mid] == 25_000
    assert rates((500, 0), (400, 10), (500, 15))[ratio] == 15_594
    assert rates((500, 0), (400, 10), (500, 15), compensation=WHOLE_PPM // 2)[ratio] == 25_485


def test_a_published_crossing_value() -> None:
    def levels(side: OrderSide, *given: tuple[int, int]) -> list[Level]:
        return [Level(side, price * 1_000, energy * 1_000) for energy, price in given]

    terms = some_terms(weights_ppm=weights(crossing=WHOLE_PPM))
    first = levels(OrderSide.BUY, (500, 45), (1_000, 35), (1_000, 25), (500, 15))
    first += levels(OrderSide.SELL, (1_000, 0), (1_000, 10), (1_000, 20))
    third = levels(OrderSide.BUY, (500, 45), (1_000, 35), (1_000, 25))
    third += levels(OrderSide.SELL, (500, 0), (500, 10), (250, 20))

    assert bridge.rates_of(first, terms) == {Rate.CROSSING_VALUE: 20_000}
    assert bridge.rates_of(third, terms) == {Rate.CROSSING_VALUE: 35_000}


def test_where_a_limit_is_negative_the_ratio_is_the_mid_market_rate() -> None:
    book = [Level(OrderSide.BUY, 40_000, 1_000), Level(OrderSide.SELL, -10_000, 1_000)]

    made: dict[Any, int] = bridge.rates_of(book, some_terms(weights_ppm=weights(ratio=WHOLE_PPM)))

    assert made == {Rate.SUPPLY_DEMAND_RATIO: 15_000}
    assert bridge.rates_of([], some_terms()) == {}
