"""Forecasts as they are asked for, known, stored and read."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.jobs.tables import Job
from domain.kernel.database import new_id
from domain.kernel.errors import NotFound
from domain.market.prices import forecasts
from domain.market.prices.calendars import Calendar
from domain.market.prices.forecasts import Backtest, Errors, Forecast
from domain.market.prices.tables import ForecastMethod, NaiveReason, PriceForecast
from domain.market.prices.words import FORECAST_PRICES
from tests.factories.market import QUARTER, a_market
from tests.factories.prices import a_clearing, a_price_model

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RIDGE, NAIVE = Errors(10, 20), Errors(30, 40)


def a_forecast(market_id: object, **overrides: object) -> Forecast:
    facts = {
        "market_id": market_id,
        "made_at": NOON,
        "minutes": 15,
        "method": ForecastMethod.RIDGE,
        "reason": None,
        "prices_ueur_per_kwh": tuple(range(100, 1_700, 100)),
        "backtest_days": 14,
        "backtest": Backtest(14, 5_000, RIDGE, NAIVE),
    } | overrides
    return Forecast(**facts)  # type: ignore[arg-type]


async def test_what_was_cleared_before_is_known_by_delivery_weighted_by_energy(session: AsyncSession) -> None:
    market, other = await a_market(session), await a_market(session)
    first, before = NOON - 4 * QUARTER, NOON - timedelta(hours=2)
    await a_clearing(session, market, first, "0.1", "1", created_at=before)
    await a_clearing(session, market, first, "0.2", "3", created_at=before)
    await a_clearing(session, market, first + 2 * QUARTER, "0.3", created_at=before)
    await a_clearing(session, market, first, "9", created_at=NOON)  # Made when the forecast is: not known yet.
    await a_clearing(session, market, NOON, "9", created_at=before)  # For a delivery to come.
    await a_clearing(session, market, NOON - timedelta(days=3), "9", created_at=NOON - timedelta(days=4))
    await a_clearing(session, other, first, "9", created_at=before)

    known = await forecasts.known(await session.connection(), market, NOON, days=2)

    assert known == forecasts.Known(market, NOON, 15, "UTC", (175_000, None, 300_000, None))


async def test_nothing_is_known_of_a_new_market(session: AsyncSession) -> None:
    market = await a_market(session, delivery_minutes=60)

    known = await forecasts.known(await session.connection(), market, NOON + QUARTER, days=2)

    assert known == forecasts.Known(market, NOON, 60, "UTC", ())
    with pytest.raises(NotFound):
        await forecasts.known(await session.connection(), new_id(), NOON, days=2)


async def test_the_clock_is_that_of_the_price_model(session: AsyncSession) -> None:
    market, now = await a_market(session), datetime.now(UTC)
    await a_price_model(session, market, now, calendar=Calendar("Europe/Rome"))

    known = [
        (await forecasts.known(await session.connection(), market, at, days=1)).timezone
        for at in (now - timedelta(hours=1), now)
    ]

    assert known == ["UTC", "Europe/Rome"]


async def test_a_forecast_is_asked_for_once_an_hour_where_something_was_cleared(session: AsyncSession) -> None:
    market, _ = await a_market(session), await a_market(session)
    await a_clearing(session, market, NOON, "0.1")

    asked = [await forecasts.schedule(session, now=NOON + timedelta(minutes=minutes)) for minutes in (1, 2, 59, 60)]

    jobs = (await session.execute(select(Job.id, Job.kind, Job.arguments).order_by(Job.created_at, Job.id))).all()
    hours = ("2026-11-20T12:00:00+00:00", "2026-11-20T13:00:00+00:00")
    assert [len(ids) for ids in asked] == [1, 0, 0, 1]
    assert [(kind, arguments) for _, kind, arguments in jobs] == [
        (FORECAST_PRICES, {"market_id": str(market), "at": hour}) for hour in hours
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "method": ForecastMethod.SEASONAL_NAIVE,
            "reason": NaiveReason.TOO_LITTLE_HISTORY,
            "prices_ueur_per_kwh": (None, -5),
            "backtest": None,
        },
        {"method": ForecastMethod.SEASONAL_NAIVE, "reason": NaiveReason.NAIVE_WAS_BETTER},
    ],
)
async def test_a_stored_forecast_is_the_one_that_was_made(session: AsyncSession, changes: dict[str, object]) -> None:
    forecast = a_forecast(await a_market(session), **changes)

    assert await forecasts.record(session, forecast)

    found = await forecasts.latest(await session.connection(), [forecast.market_id, new_id()], NOON)
    assert found == {forecast.market_id: forecast}


async def test_a_forecast_is_stored_once(session: AsyncSession) -> None:
    market = await a_market(session)
    first, second = a_forecast(market), a_forecast(market, prices_ueur_per_kwh=(1,))

    assert [await forecasts.record(session, each) for each in (first, second)] == [True, False]

    assert await session.scalar(select(func.count()).select_from(PriceForecast)) == 1
    assert (await forecasts.latest(await session.connection(), [market], NOON))[market] == first


async def test_the_latest_forecast_is_the_newest_that_was_made_by_then(session: AsyncSession) -> None:
    market = await a_market(session)
    made = [a_forecast(market, made_at=NOON + timedelta(hours=hours)) for hours in (0, 2, 1)]
    for forecast in made:
        await forecasts.record(session, forecast)

    connection = await session.connection()
    found = [await forecasts.latest(connection, [market], NOON + timedelta(hours=hours)) for hours in (-1, 1.5, 9)]

    assert found == [{}, {market: made[2]}, {market: made[1]}]


def test_means_are_of_whole_spans() -> None:
    forecast = a_forecast(new_id())
    holed = a_forecast(new_id(), prices_ueur_per_kwh=(1, 2, 4, 4, None))

    assert [forecast.mean_ueur_per_kwh(span) for span in (forecasts.NEXT, forecasts.AHEAD)] == [250, 850]
    assert [holed.mean_ueur_per_kwh(span) for span in (forecasts.NEXT, forecasts.AHEAD)] == [3, None]
    assert a_forecast(new_id(), prices_ueur_per_kwh=()).mean_ueur_per_kwh(forecasts.NEXT) is None
