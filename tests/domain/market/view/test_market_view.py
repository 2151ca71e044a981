"""What a market looks like: each figure against what it says it is."""

from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.places.tables import EnergySource, Market
from domain.market.prices import forecasts
from domain.market.view import figures, market_view
from domain.market.view.figures import Balance, Fact, FactKind, Hour, Price, Signal, SignalKind, Trend, View
from tests.domain.market.prices.test_forecasts import a_forecast
from tests.factories.market import BUY, QUARTER, SELL, a_delivery, a_market, a_trader, an_order, first_delivery
from tests.factories.prices import a_clearing, a_trade, grid_prices

HOUR = timedelta(hours=1)


def a_view(**overrides: Any) -> View:
    facts: dict[str, Any] = {
        "price": None,
        "hours": (),
        "import_ueur_per_kwh": None,
        "export_ueur_per_kwh": None,
        "balance": (),
        "welfare_ueur": 0,
        "bound_ueur": 0,
        "forecast_mean_ueur_per_kwh": None,
    }
    return View(**(facts | overrides))


def an_hour(ago: int, price: int, energy: int = 1_000, coming: int = 0, renewable: int = 0) -> Hour:
    return Hour(ago, energy, energy * price, price, price, coming, renewable)


def test_of_nothing_there_are_no_figures() -> None:
    view = a_view()

    assert (view.volume_ukwh, view.signals) == (0, [])
    assert [
        view.vwap_ueur_per_kwh,
        view.change_ueur_per_kwh,
        view.trend,
        view.volatility_ueur_per_kwh,
        view.savings_ueur_per_kwh,
        view.earnings_ueur_per_kwh,
        view.efficiency_ppm,
        view.renewable_ppm,
    ] == [None] * 8


def test_prices_are_weighted_by_energy() -> None:
    view = a_view(hours=(an_hour(0, 100, 1), an_hour(5, 201, 1), an_hour(6, 200, 2)))

    assert (view.volume_ukwh, view.vwap_ueur_per_kwh) == (4, 175)


@pytest.mark.parametrize(
    ("last", "before", "change", "trend"),
    [
        (1_011, 1_000, 11, Trend.RISING),
        (1_010, 1_000, 10, Trend.STEADY),
        (990, 1_000, -10, Trend.STEADY),
        (989, 1_000, -11, Trend.FALLING),
        (-900, -1_000, 100, Trend.RISING),
        (0, 0, 0, Trend.STEADY),
        (1, 0, 1, Trend.RISING),
    ],
)
def test_the_trend_is_of_the_last_hour_against_the_one_before(
    last: int, before: int, change: int, trend: Trend
) -> None:
    view = a_view(hours=(an_hour(0, last), an_hour(1, before), an_hour(2, 99)))

    assert (view.change_ueur_per_kwh, view.trend) == (change, trend)


@pytest.mark.parametrize("hours", [(an_hour(0, 5),), (an_hour(1, 5),), (an_hour(0, 5), an_hour(2, 5))])
def test_without_both_hours_there_is_no_trend(hours: tuple[Hour, ...]) -> None:
    assert (a_view(hours=hours).change_ueur_per_kwh, a_view(hours=hours).trend) == (None, None)


def test_volatility_is_the_standard_deviation_of_hourly_prices() -> None:
    prices = (100_000, 140_000, 90_000, 110_000)

    view = a_view(hours=tuple(an_hour(n, price, 1 + n) for n, price in enumerate(prices)))

    mean = sum(prices) // 4
    assert view.volatility_ueur_per_kwh == isqrt(sum((price - mean) ** 2 for price in prices) // 4)
    assert a_view(hours=(an_hour(0, 1),)).volatility_ueur_per_kwh is None


def test_savings_and_earnings_are_against_the_grid() -> None:
    view = a_view(price=Price(150_000, None), import_ueur_per_kwh=300_000, export_ueur_per_kwh=80_000)

    assert (view.savings_ueur_per_kwh, view.earnings_ueur_per_kwh) == (150_000, 70_000)


@pytest.mark.parametrize(
    ("price", "signals"),
    [
        (90_000, [SignalKind.GOOD_TIME_TO_BUY]),
        (90_001, []),
        (109_999, []),
        (110_000, [SignalKind.GOOD_TIME_TO_SELL]),
    ],
)
def test_signals_of_price_compare_with_the_forecast_and_else_with_the_day(
    price: int, signals: list[SignalKind]
) -> None:
    forecast = a_view(price=Price(price, None), forecast_mean_ueur_per_kwh=100_000, hours=(an_hour(3, 1),))
    day = a_view(price=Price(price, None), hours=(an_hour(3, 100_000),))

    assert [signal.kind for signal in forecast.signals] == signals
    assert [signal.kind for signal in day.signals] == signals
    if signals:
        threshold = Fact(FactKind.THRESHOLD, 90_000 if price < 100_000 else 110_000)
        now = Fact(FactKind.PRICE, price)
        assert forecast.signals == [Signal(signals[0], (now, Fact(FactKind.FORECAST_MEAN, 100_000), threshold))]
        assert day.signals == [Signal(signals[0], (now, Fact(FactKind.DAY_VWAP, 100_000), threshold))]


def test_a_negative_reference_has_its_margin_on_the_right_side() -> None:
    view = a_view(price=Price(-120_000, None), forecast_mean_ueur_per_kwh=-100_000)

    assert [signal.kind for signal in view.signals] == [SignalKind.GOOD_TIME_TO_BUY]


@pytest.mark.parametrize(("renewable", "share"), [(500, 500_000), (499, None)])
def test_half_of_what_is_traded_for_deliveries_to_come_is_much(renewable: int, share: int | None) -> None:
    view = a_view(hours=(an_hour(0, 1, 9_000, 600, renewable), an_hour(4, 1, 9_000, 400, 0)))

    facts = (Fact(FactKind.RENEWABLE_SHARE, share or 0), Fact(FactKind.THRESHOLD, 500_000))
    assert view.signals == ([Signal(SignalKind.HIGH_RENEWABLES, facts)] if share else [])


def test_the_band_is_five_per_cent_and_half_a_cent_at_least() -> None:
    assert [figures.band_ueur_per_kwh(price) for price in (200_000, -200_000, 20_000, 0)] == [
        10_000,
        10_000,
        5_000,
        5_000,
    ]


def test_ids_made_since_an_instant_are_no_lower() -> None:
    instant = datetime(2026, 11, 21, 12, tzinfo=UTC)

    first = market_view.first_id_at(instant)

    assert (first.version, first.int >> 80) == (7, int(instant.timestamp() * 1_000))
    assert market_view.first_id_at(instant - timedelta(milliseconds=1)) < first


async def the_view(session: AsyncSession, market: Any, now: datetime) -> View:
    return (await market_view.views(await session.connection(), [market], now=now))[market]


async def test_a_market_without_anything_has_an_empty_view(session: AsyncSession) -> None:
    assert await the_view(session, await a_market(session), datetime.now(UTC)) == a_view()


async def test_trades_count_at_the_price_of_their_side_for_a_day(session: AsyncSession) -> None:
    market, other, now = await a_market(session), await a_market(session), datetime.now(UTC)
    start = first_delivery()
    ago = {f"{hours}": now - hours * HOUR for hours in (0.5, 1.5, 23.9, 24.1)}
    await a_trade(session, market, start, "0.1", "1", created_at=ago["0.5"], source=EnergySource.SOLAR)
    await a_trade(session, market, start, "0.2", "3", created_at=ago["0.5"], source=EnergySource.STORAGE)
    await a_trade(session, market, now - HOUR, "0.3", "2", created_at=ago["1.5"], source=EnergySource.WIND)
    await a_trade(session, market, start, "9", created_at=ago["24.1"])
    await a_trade(
        session, other, start, "9", "4", created_at=ago["23.9"], seller_market_id=market,
        seller_price_ueur_per_kwh=50_000,
    )  # fmt: skip

    view, of_other = await the_view(session, market, now), await the_view(session, other, now)

    assert view.hours == (
        Hour(0, 4_000_000, 700_000 * 10**6, 100_000, 200_000, 4_000_000, 1_000_000),
        Hour(1, 2_000_000, 600_000 * 10**6, 300_000, 300_000, 0, 0),
        Hour(23, 4_000_000, 200_000 * 10**6, 50_000, 50_000, 4_000_000, 0),
    )
    assert view.vwap_ueur_per_kwh == 150_000
    assert of_other.hours == (Hour(23, 4_000_000, 36 * 10**12, 9_000_000, 9_000_000, 4_000_000, 0),)


async def test_the_price_is_of_the_earliest_delivery_that_has_not_ended(session: AsyncSession) -> None:
    market, start = await a_market(session), first_delivery()
    await session.execute(update(Market).where(Market.id == market).values(last_price_ueur_per_kwh=77))
    for later, price in ((0, "0.1"), (0, "0.2"), (1, "0.3")):
        await a_clearing(session, market, start + later * QUARTER, price)

    found = [(await the_view(session, market, start + late)).price for late in (0 * QUARTER, QUARTER, 2 * QUARTER)]

    assert found == [Price(200_000, start), Price(300_000, start + QUARTER), Price(77, None)]


async def test_the_book_of_the_coming_hours_is_added_up(session: AsyncSession) -> None:
    market, other = await a_market(session), await a_market(session)
    start, trader = first_delivery(), await a_trader(session)
    now = start - QUARTER
    await session.execute(update(Market).where(Market.id == market).values(last_price_ueur_per_kwh=200_000))
    for side, kwh, price, number in (
        (BUY, "1", "0.19", 0),  # Within 0.01 of 0.2.
        (BUY, "2", "0.1899", 0),
        (SELL, "3", "0.21", 0),
        (SELL, "4", "0.2101", 0),
        (SELL, "5", "0.01", 1),
        (BUY, "6", "0.3", 16),  # Beyond four hours.
    ):
        await an_order(session, trader, market, side, kwh, price, delivery=a_delivery(number))
    await an_order(session, trader, other, BUY, "7", "0.5")

    views = await market_view.views(await session.connection(), [market, other], now=now)

    assert views[market].balance == (
        Balance(start, 3_000_000, 7_000_000, 1_000_000, 3_000_000),
        Balance(start + QUARTER, 0, 5_000_000, 0, 5_000_000),
    )
    assert [each.ratio_ppm for each in views[market].balance] == [2_333_333, None]
    assert views[other].balance == (Balance(start, 7_000_000, 0, 0, 0),)  # Nothing is near no price.


async def test_efficiency_is_of_clearings_that_state_what_was_possible(session: AsyncSession) -> None:
    market, now = await a_market(session), datetime.now(UTC)
    for welfare, bound, hours in ((90, 100, 1), (60, 60, 2), (5, None, 3), (1, 1_000, 25)):
        made: dict[str, Any] = {"welfare_ueur": welfare, "bound_ueur": bound, "created_at": now - hours * HOUR}
        await a_clearing(session, market, first_delivery(), "0.1", **made)

    view = await the_view(session, market, now)

    assert (view.welfare_ueur, view.bound_ueur, view.efficiency_ppm) == (150, 160, 937_500)


async def test_the_grid_and_a_fresh_forecast_stand_beside_the_price(session: AsyncSession) -> None:
    market, now = await a_market(session), datetime.now(UTC)
    await grid_prices(session, market, "0.3", "0.08", now)
    await forecasts.record(session, a_forecast(market, made_at=now - HOUR))

    fresh, stale = await the_view(session, market, now), await the_view(session, market, now + HOUR)

    assert (fresh.import_ueur_per_kwh, fresh.export_ueur_per_kwh) == (300_000, 80_000)
    assert (fresh.forecast_mean_ueur_per_kwh, stale.forecast_mean_ueur_per_kwh) == (850, None)


async def test_a_day_is_found_by_index(session: AsyncSession) -> None:
    """With sequential scans dear, the plans of all statements seek the market's rows."""
    market = await a_market(session)
    now = datetime.now(UTC)
    day = {"market_ids": [market], "now": now, "since": now - HOUR, "first_id": market_view.first_id_at(now - HOUR)}
    cases = (
        (market_view.HOURS, day | {"renewable": ["SOLAR"]}, {"ix_trade_market_id", "ix_trade_seller_market_id"}),
        (market_view.WELFARE, day, {"ix_clearing_market_id"}),
        (market_view.MARKETS, {"market_ids": [market], "now": now}, {"uq_clearing_market_id_delivery_start_batch"}),
    )
    await session.execute(text("SET LOCAL enable_seqscan = off; "))

    for statement, values, indexes in cases:
        explained = text(f"EXPLAIN {statement.text}").bindparams(*statement._bindparams.values())
        plan = "\n".join(await session.scalars(explained, values))
        assert {index for index in indexes if index in plan} == indexes, plan
        assert "Seq Scan on trade" not in plan
