"""Price forecasts of a market: what is known when one is made, and what was forecast; never edited.

The price of a delivery interval is what was paid for energy in it, weighted by energy, over all its clearings. A
forecast made at an instant knows the intervals that began before it, and of those what was cleared before it; so it can
be made again from the same rows, and gives the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.jobs import queue
from domain.kernel.database import new_id
from domain.kernel.errors import NotFound
from domain.kernel.intervals import floor_to
from domain.kernel.quantities import round_half_even
from domain.market.places.tables import Market
from domain.market.prices.tables import ForecastMethod, NaiveReason, PriceForecast
from domain.market.prices.words import FORECAST_PRICES

EVERY_MINUTES = 60
AHEAD = timedelta(hours=4)
NEXT = timedelta(hours=1)
TIME_LIMIT_S = 120
DEFAULT_TIMEZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Known:
    """Prices of the consecutive intervals before an instant, micro-EUR/kWh, None where nothing was cleared.

    The local clock is that of the price model that held, UTC without one.
    """

    market_id: UUID
    at: datetime
    minutes: int
    timezone: str
    prices_ueur_per_kwh: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute error and root mean squared error, micro-EUR/kWh."""

    mae_ueur_per_kwh: int
    rmse_ueur_per_kwh: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """How the ridge regression and the naive forecast did for the same prices of the last days."""

    days: int
    prices: int
    ridge: Errors
    naive: Errors


@dataclass(frozen=True, slots=True)
class Forecast:
    """Prices of the intervals from an instant on; `reason` says why a forecast is naive or was not tested."""

    market_id: UUID
    made_at: datetime
    minutes: int
    method: ForecastMethod
    reason: NaiveReason | None
    prices_ueur_per_kwh: tuple[int | None, ...]
    backtest_days: int
    backtest: Backtest | None

    def mean_ueur_per_kwh(self, ahead: timedelta) -> int | None:
        """The mean of the prices up to some time ahead, rounded half-even; None where one of them is not known."""
        some = self.prices_ueur_per_kwh[: ahead // timedelta(minutes=self.minutes)]
        known = [price for price in some if price is not None]
        return round_half_even(sum(known), len(known)) if known and len(known) == len(some) else None


DUE = text("""
    SELECT market.id FROM market
    WHERE NOT EXISTS (SELECT FROM job WHERE job.key = 'forecast:' || market.id || ':' || :hour)
      AND EXISTS (SELECT FROM clearing WHERE clearing.market_id = market.id)
    ORDER BY market.id
""")
# Weighted by energy bought and sold, as series of prices are; where energy only passed through, each counts the same.
KNOWN = text("""
    SELECT delivery_start,
           round(coalesce(
               sum(price_ueur_per_kwh * (bought_ukwh + sold_ukwh)::numeric) / nullif(sum(bought_ukwh + sold_ukwh), 0),
               avg(price_ueur_per_kwh))) AS price
    FROM clearing
    WHERE market_id = :market_id AND delivery_start >= :start AND delivery_start < :at AND created_at < :at
    GROUP BY delivery_start
""").bindparams(bindparam("start", type_=DateTime(timezone=True)), bindparam("at", type_=DateTime(timezone=True)))
CLOCK = text("""
    SELECT timezone FROM price_model WHERE market_id = :market_id AND valid_from <= :at
    ORDER BY valid_from DESC, id DESC LIMIT 1
""").bindparams(bindparam("at", type_=DateTime(timezone=True)))


async def schedule(session: AsyncSession, *, now: datetime) -> list[UUID]:
    """Ask once an hour for a forecast of each market in which something was ever cleared; gives the ids of the jobs."""
    hour = floor_to(now, EVERY_MINUTES)
    due = list(await session.scalars(DUE, {"hour": hour.isoformat()}))
    return [await _enqueue(session, market_id, hour) for market_id in due]


async def _enqueue(session: AsyncSession, market_id: UUID, hour: datetime) -> UUID:
    arguments = {"market_id": str(market_id), "at": hour.isoformat()}
    key = f"forecast:{market_id}:{hour.isoformat()}"
    return await queue.enqueue(session, FORECAST_PRICES, key, arguments, time_limit_s=TIME_LIMIT_S)


async def known(connection: AsyncConnection, market_id: UUID, at: datetime, days: int) -> Known:
    """What is known of a market's prices at an instant, from the first one of the last `days` on. Raises NotFound."""
    found = await connection.execute(select(Market.delivery_minutes).where(Market.id == market_id))
    minutes = found.scalar_one_or_none()
    if minutes is None:
        raise NotFound("market", market_id)
    end = floor_to(at, minutes)
    given = {"market_id": market_id, "start": end - timedelta(days=days), "at": at}
    prices = {row.delivery_start: int(row.price) for row in await connection.execute(KNOWN, given)}
    clock = (await connection.execute(CLOCK, {"market_id": market_id, "at": at})).scalar_one_or_none()
    step = timedelta(minutes=minutes)
    first = min(prices, default=end)
    intervals = tuple(prices.get(first + n * step) for n in range((end - first) // step))
    return Known(market_id, end, minutes, clock or DEFAULT_TIMEZONE, intervals)


async def record(session: AsyncSession, forecast: Forecast) -> bool:
    """Store a forecast; False where one of this market and instant was stored before, and that one stays."""
    tested = forecast.backtest
    row = {
        "id": new_id(),
        "market_id": forecast.market_id,
        "made_at": forecast.made_at,
        "method": forecast.method,
        "reason": forecast.reason,
        "interval_minutes": forecast.minutes,
        "prices_ueur_per_kwh": list(forecast.prices_ueur_per_kwh),
        "mae_ueur_per_kwh": tested and tested.ridge.mae_ueur_per_kwh,
        "rmse_ueur_per_kwh": tested and tested.ridge.rmse_ueur_per_kwh,
        "naive_mae_ueur_per_kwh": tested and tested.naive.mae_ueur_per_kwh,
        "naive_rmse_ueur_per_kwh": tested and tested.naive.rmse_ueur_per_kwh,
        "backtest_days": forecast.backtest_days,
        "backtest_prices": tested and tested.prices,
    }
    added = insert(PriceForecast).values(row).on_conflict_do_nothing(index_elements=["market_id", "made_at"])
    return (await session.execute(added.returning(PriceForecast.id))).scalar_one_or_none() is not None


LATEST = text("""
    SELECT forecast.* FROM unnest(:market_ids) AS wanted (id)
    CROSS JOIN LATERAL (SELECT * FROM price_forecast WHERE market_id = wanted.id AND made_at <= :at
                        ORDER BY made_at DESC LIMIT 1) AS forecast
""").bindparams(bindparam("market_ids", type_=ARRAY(Uuid())), bindparam("at", type_=DateTime(timezone=True)))


async def latest(connection: AsyncConnection, market_ids: Collection[UUID], at: datetime) -> dict[UUID, Forecast]:
    """The newest forecast of each market that was made by an instant, where there is one."""
    rows: Sequence[Any] = (await connection.execute(LATEST, {"market_ids": list(market_ids), "at": at})).all()
    return {row.market_id: _forecast(row) for row in rows}


def _forecast(row: Any) -> Forecast:
    tested = None
    if row.backtest_prices is not None:
        ridge = Errors(row.mae_ueur_per_kwh, row.rmse_ueur_per_kwh)
        naive = Errors(row.naive_mae_ueur_per_kwh, row.naive_rmse_ueur_per_kwh)
        tested = Backtest(row.backtest_days, row.backtest_prices, ridge, naive)
    return Forecast(
        row.market_id,
        row.made_at,
        row.interval_minutes,
        ForecastMethod(row.method),
        None if row.reason is None else NaiveReason(row.reason),
        tuple(row.prices_ueur_per_kwh),
        row.backtest_days,
        tested,
    )
