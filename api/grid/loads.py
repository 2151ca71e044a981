"""Load and congestion of zones over GraphQL, as packed series."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.periods import PeriodInput, series
from api.graphql.scalars import DateTime
from api.metering.series import Suppressed, suppressed
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.grid import loads
from domain.grid.loads import QUARTER, CongestionLevel
from domain.grid.tables import ZoneLoad
from domain.grid.told import WITHHELD, Load
from domain.kernel.database import among, by_turns
from domain.kernel.intervals import Period, Resolution, floor_to
from domain.kernel.quantities import UKWH_PER_KWH, WHOLE_PPM
from domain.metering.tables import Direction

T = TypeVar("T")
INTERVALS_MAX = 3_000  # A month of quarter-hours.
W_PER_KW = 1_000


@strawberry.type(
    description="What passes between a zone and the rest of the grid: packed columns, one entry per interval, null "
    "where nothing is known. Who operates the zone gets quarter-hours; others get hours, and null where the sum of "
    "metering points would tell of fewer than 5 persons: `suppressed` says why."
)
class ZoneLoadSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of an interval.")
    injected_kwh: list[float | None] = strawberry.field(
        description="Metered energy injected by the zone's points, kWh; null until it is read."
    )
    withdrawn_kwh: list[float | None] = strawberry.field(
        description="Metered energy withdrawn by the zone's points, kWh; null until it is read."
    )
    net_export_kwh: list[float | None] = strawberry.field(
        description="Energy sold to other zones less energy bought from them, kWh."
    )
    direction: list[Direction | None] = strawberry.field(
        description="Which way the load goes: what the zone injects or withdraws in excess."
    )
    load_kw: list[float | None] = strawberry.field(
        description="Excess of withdrawn over injected energy or the reverse, as power, kW; by trades until it is read."
    )
    capacity_kw: list[float | None] = strawberry.field(
        description="Capacity in the direction of the load, kW; null where none was set."
    )
    utilisation: list[float | None] = strawberry.field(
        description="Part of the capacity in use, 0 to 1 or more; null without capacity."
    )
    level: list[CongestionLevel | None] = strawberry.field(description="How full the capacity is; null without one.")
    suppressed: list[Suppressed] = strawberry.field(description="Which values are withheld from the viewer, and why.")


def span_of(period: PeriodInput | None, now: datetime) -> Period:
    """Whole quarter-hours, at most INTERVALS_MAX; the last day and the next hours by default. Raises BadUserInput."""
    if period is None:
        return loads.window(now)
    span = period.span()
    if not span.is_aligned(15):
        raise BadUserInput("The period must begin and end on quarter-hours, UTC.", argument="period")
    if span.intervals(15) > INTERVALS_MAX:
        raise BadUserInput(
            f"At most {INTERVALS_MAX} quarter-hours at a time.", argument="period", maximum=INTERVALS_MAX
        )
    return span


LOADED = Annotated[
    PeriodInput | None,
    strawberry.argument(description="Whole quarter-hours, at most 3000; left out, the last 26 hours and the next 4."),
]


@extends("MarketZone")
class LoadOfZone:
    @strawberry.field(
        metadata=series(120, is_little=True),
        description="What passes between the zone and the rest of the grid, by interval.",
    )
    async def load(self, info: Info, period: LOADED = None) -> ZoneLoadSeries:
        if period is not None:  # What is read of about now is little.
            info.context.take_series()
        return await read(info.context, self.__dict__["id"], period)


async def read(context: Context, zone_id: UUID, period: PeriodInput | None) -> ZoneLoadSeries:
    """A zone's load, read together with those of other zones that are asked for. Raises BadUserInput."""
    span = span_of(period, clock.now())
    operates = context.viewer.is_admin or zone_id in context.viewer.operated_zone_ids
    resolution = Resolution.QUARTER_HOUR if operates else Resolution.HOUR
    if not operates:
        span = Period(floor_to(span.start, 60), floor_to(span.end + 3 * QUARTER, 60))

    async def load(zone_ids: list[UUID]) -> list[ZoneLoadSeries]:
        in_span = (ZoneLoad.interval_start >= span.start, ZoneLoad.interval_start < span.end)
        query = loads.newest().where(among(ZoneLoad.zone_id, zone_ids), *in_span)
        query = query.with_only_columns(*ZoneLoad.__table__.columns)
        found: dict[UUID, dict[datetime, Any]] = {zone_id: {} for zone_id in zone_ids}
        async for row in by_turns(await context.loaders.fetch(query)):
            found[row["zone_id"]][row["interval_start"]] = row
        return [_series(found[zone_id], span, resolution) async for zone_id in by_turns(zone_ids, at_once=1)]

    loaded: ZoneLoadSeries = await context.loaders.loader(("zone load", span, resolution), load).load(zone_id)
    return loaded


def _series(rows: Mapping[datetime, Any], span: Period, resolution: Resolution) -> ZoneLoadSeries:
    """Exact integers become numbers here, at the edge."""
    quarters = [rows.get(span.start + place * QUARTER) for place in range(span.intervals(15))]
    if resolution is Resolution.QUARTER_HOUR:
        found = [Load.of_quarter(row) for row in quarters]
    else:
        found = [Load.of_hour(quarters[place : place + 4]) for place in range(0, len(quarters), 4)]
    starts = [span.start + place * timedelta(minutes=resolution.minutes) for place in range(len(found))]
    withheld = {way: [getattr(load, name) for load in found] for way, name in WITHHELD.items()}

    def column(name: str, shown: Callable[[Any], T]) -> list[T | None]:
        values = (getattr(load, name) for load in found)
        return [None if value is None else shown(value) for value in values]

    return ZoneLoadSeries(
        start=DateTime(span.start),
        resolution=resolution,
        injected_kwh=column("injected_ukwh", _kwh),
        withdrawn_kwh=column("withdrawn_ukwh", _kwh),
        net_export_kwh=column("net_export_ukwh", _kwh),
        direction=column("direction", Direction),
        load_kw=column("load_w", _kw),
        capacity_kw=column("capacity_w", _kw),
        utilisation=column("utilisation_ppm", lambda ppm: float(ppm / WHOLE_PPM)),
        level=column("utilisation_ppm", loads.level_of),
        suppressed=suppressed(starts, span.end, withheld),
    )


def _kwh(ukwh: int) -> float:
    return ukwh / UKWH_PER_KWH


def _kw(watts: int) -> float:
    return watts / W_PER_KW
