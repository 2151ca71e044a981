"""Forecasts, from the relay's look at the clock to what clients read."""

from datetime import UTC, datetime, timedelta
from math import pi, sin

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.jobs import registry
from api.jobs.work import carry_out
from api.market.prices import bridge, jobs
from domain.jobs.tables import Job, JobStatus
from domain.kernel.intervals import floor_to
from domain.market.prices import forecasts
from domain.market.prices.forecasts import Known
from domain.market.prices.tables import ForecastMethod, NaiveReason
from domain.market.prices.words import FORECAST_PRICES
from solver.market import forecasting
from tests.api.conftest import Execute
from tests.api.market.conftest import Live
from tests.domain.market.prices.test_forecasts import a_forecast
from tests.factories.market import a_market
from tests.factories.prices import a_clearing

FORECAST = """
query Forecast($id: ID!) { node(id: $id) { ... on Market { forecast {
  madeAt method reason nextHour nextFourHours intervals { deliveryStart price }
  backtest { days prices ridge { meanAbsolute rootMeanSquared } naive { meanAbsolute rootMeanSquared } }
} } } }
"""


async def test_a_forecast_shows_both_errors_to_everybody(session: AsyncSession, execute: Execute) -> None:
    market, now = await a_market(session), datetime(2026, 11, 20, 12, tzinfo=UTC)
    await forecasts.record(session, a_forecast(market, prices_ueur_per_kwh=(100_000, None), minutes=60))

    node = (await execute(FORECAST, id=global_id("Market", market))).data["node"]

    assert node["forecast"] == {
        "madeAt": "2026-11-20T12:00:00Z",
        "method": "RIDGE",
        "reason": None,
        "nextHour": "0.1",
        "nextFourHours": None,
        "intervals": [
            {"deliveryStart": "2026-11-20T12:00:00Z", "price": "0.1"},
            {"deliveryStart": "2026-11-20T13:00:00Z", "price": None},
        ],
        "backtest": {
            "days": 14,
            "prices": 5_000,
            "ridge": {"meanAbsolute": "0.00001", "rootMeanSquared": "0.00002"},
            "naive": {"meanAbsolute": "0.00003", "rootMeanSquared": "0.00004"},
        },
    }
    assert now == datetime.fromisoformat(node["forecast"]["madeAt"])


async def test_before_the_first_one_there_is_none(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)

    assert (await execute(FORECAST, id=global_id("Market", market))).data["node"] == {"forecast": None}


def test_the_relay_looks_whether_a_forecast_is_due() -> None:
    assert jobs.schedule_forecasts in registry.PERIODIC


async def test_the_job_forecasts_by_what_was_known_and_may_run_twice(live: Live) -> None:
    hour = floor_to(datetime.now(UTC), 60)
    async with live.database.transaction() as session:
        market = await a_market(session)
        for back in range(1, 30):
            start = hour - back * timedelta(hours=1)
            await a_clearing(session, market, start, f"0.{back:02}", created_at=start - timedelta(hours=1))
    async with live.database.transaction() as session:
        await jobs.schedule_forecasts(session)
    async with live.database.transaction() as session:
        (job_id,) = await session.scalars(select(Job.id).where(Job.kind == FORECAST_PRICES))

    await carry_out(live.database, job_id)
    async with live.database.transaction() as session:  # The worker was killed before it could say so.
        again = text("UPDATE job SET status = 'QUEUED', finished_at = NULL, lease_until = NULL WHERE id = :id")
        await session.execute(again, {"id": job_id})
    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        found = await forecasts.latest(await session.connection(), [market], datetime.now(UTC))
        count = await session.scalar(text("SELECT count(*) FROM price_forecast"))
    made = found[market]
    assert (job.status, job.attempts, count) == (JobStatus.SUCCEEDED, 2, 1)
    assert (made.made_at, made.minutes, made.method) == (hour, 15, ForecastMethod.SEASONAL_NAIVE)
    assert (made.reason, made.backtest) == (NaiveReason.TOO_LITTLE_HISTORY, None)
    # Of a day before each hour has one price, which stands for the whole hour; a week before there is none.
    assert made.prices_ueur_per_kwh == (240_000,) * 4 + (230_000,) * 4 + (220_000,) * 4 + (210_000,) * 4


def test_with_history_enough_the_regression_is_taken() -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    hours = forecasting.NEEDED_DAYS * 24
    level, prices = 100_000, []
    for hour in range(hours):
        level += (hour * 7_919 % 101 - 50) * 100
        prices.append(level + round(30_000 * sin(2 * pi * hour / 24)))
    known = Known(a_forecast(None).market_id, at, 60, "Europe/Rome", tuple(prices))

    made = bridge.forecast_prices_of(known)

    assert (made.method, made.reason, len(made.prices_ueur_per_kwh)) == (ForecastMethod.RIDGE, None, 4)
    assert made.backtest is not None
    assert (made.backtest.days, made.backtest.prices) == (14, 14 * 24 * 4 - 3 * 4)
    assert made.backtest.ridge.mae_ueur_per_kwh < made.backtest.naive.mae_ueur_per_kwh
    assert bridge.forecast_prices_of(known) == made
