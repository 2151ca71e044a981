"""Prices over GraphQL: packed series."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.periods import PeriodInput, series
from api.graphql.scalars import DateTime
from api.transport.terms.errors import BadUserInput
from domain.kernel.database import by_turns
from domain.kernel.intervals import METER_RESOLUTION, Period, Resolution
from domain.kernel.quantities import UEUR_PER_EUR, UKWH_PER_KWH
from domain.market.clearing import ticks

POINTS_MAX = 10_000


@strawberry.type(
    description="Prices that were cleared for deliveries in a period: packed columns, one entry per interval."
)
class PriceSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of each interval.")
    price: list[float | None] = strawberry.field(
        description="Price weighted by energy traded, EUR/kWh; null where nothing was cleared."
    )
    lowest_price: list[float | None] = strawberry.field(description="Lowest price cleared, EUR/kWh, or null.")
    highest_price: list[float | None] = strawberry.field(description="Highest price cleared, EUR/kWh, or null.")
    bought_kwh: list[float] = strawberry.field(description="Energy bought by orders of the market, kWh.")
    sold_kwh: list[float] = strawberry.field(description="Energy sold by orders of the market, kWh.")


PERIOD = Annotated[
    PeriodInput, strawberry.argument(description="Deliveries that begin in it; at most 10000 intervals.")
]
RESOLUTION = Annotated[Resolution, strawberry.argument(description="PT15M, PT30M or PT1H; not finer than deliveries.")]


@extends("Market")
class PricesOfMarket:
    @strawberry.field(metadata=series(), description="Prices cleared for deliveries in a period, as packed columns.")
    async def prices(self, info: Info, period: PERIOD, resolution: RESOLUTION) -> PriceSeries:
        info.context.take_series()
        market = self.__dict__
        return await read(info.context, market["id"], market["delivery_minutes"], period.span(), resolution)


async def read(
    context: Context, market_id: UUID, delivery_minutes: int, period: Period, resolution: Resolution
) -> PriceSeries:
    """A market's series, read together with those of other markets that are asked for. Raises BadUserInput."""
    minutes = _check(delivery_minutes, period, resolution)

    async def load(market_ids: list[UUID]) -> list[PriceSeries]:
        async with context.database.reading() as connection:
            found = await ticks.series(connection, market_ids, period, minutes)
        return [_packed(found[market_id], period, resolution) async for market_id in by_turns(market_ids, at_once=1)]

    loaded: PriceSeries = await context.loaders.loader(("prices", period, resolution), load).load(market_id)
    return loaded


def _check(delivery_minutes: int, period: Period, resolution: Resolution) -> int:
    if resolution not in METER_RESOLUTION.values() or resolution.minutes < delivery_minutes:
        raise BadUserInput(
            f"Prices of this market come in intervals of {delivery_minutes} to 60 minutes.", argument="resolution"
        )
    minutes = resolution.minutes
    if not period.is_aligned(minutes):
        raise BadUserInput(f"The period must begin and end on intervals of {minutes} minutes, UTC.", argument="period")
    if period.intervals(minutes) > POINTS_MAX:
        raise BadUserInput(f"At most {POINTS_MAX} intervals at a time.", argument="period", maximum=POINTS_MAX)
    return minutes


def _packed(buckets: list[ticks.Bucket], period: Period, resolution: Resolution) -> PriceSeries:
    """Exact integers become numbers here, at the edge."""
    cleared = {bucket.start: bucket for bucket in buckets}
    step = timedelta(minutes=resolution.minutes)
    rows = [cleared.get(period.start + i * step) for i in range(period.intervals(resolution.minutes))]
    return PriceSeries(
        start=DateTime(period.start),
        resolution=resolution,
        price=[row.price_ueur_per_kwh / UEUR_PER_EUR if row else None for row in rows],
        lowest_price=[row.lowest_ueur_per_kwh / UEUR_PER_EUR if row else None for row in rows],
        highest_price=[row.highest_ueur_per_kwh / UEUR_PER_EUR if row else None for row in rows],
        bought_kwh=[row.bought_ukwh / UKWH_PER_KWH if row else 0.0 for row in rows],
        sold_kwh=[row.sold_ukwh / UKWH_PER_KWH if row else 0.0 for row in rows],
    )
