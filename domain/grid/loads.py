"""Load: what passes between a zone and the rest of the grid in a quarter-hour, and how much of its capacity that is.

    load = |withdrawn - injected| / 0.25 h          of the zone's metering points that were read (see the package)
    load = |bought - sold| / 0.25 h                 by trades, while nothing was read
    utilisation = load / capacity in the direction of the excess

Readings of longer intervals are spread evenly over their quarter-hours. Each measurement is a row of its own; the
highest version counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Select, bindparam, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.grid import capacities
from domain.grid.capacities import Capacities
from domain.grid.tables import ZoneLoad
from domain.kernel.database import among, new_id
from domain.kernel.intervals import Period, floor_to
from domain.kernel.quantities import WHOLE_PPM, round_half_even
from domain.metering.tables import Direction

QUARTER = timedelta(minutes=15)
LOOKS_BACK, LOOKS_AHEAD = timedelta(hours=26), timedelta(hours=4)


class CongestionLevel(StrEnum):
    """How full a zone's capacity is, least first."""

    NORMAL = "NORMAL"
    ELEVATED = "ELEVATED"
    CONGESTED = "CONGESTED"
    OVERLOADED = "OVERLOADED"


CONGESTED_PPM, CALM_PPM = 900_000, 850_000  # An episode begins at the first and ends below the second.
LEVELS: tuple[tuple[int, CongestionLevel], ...] = (
    (WHOLE_PPM, CongestionLevel.OVERLOADED),
    (CONGESTED_PPM, CongestionLevel.CONGESTED),
    (700_000, CongestionLevel.ELEVATED),
    (0, CongestionLevel.NORMAL),
)
Cell = tuple[UUID, datetime]  # Zone and start of a quarter-hour.


@dataclass(frozen=True, slots=True)
class Metered:
    """What the metering points of a zone counted in a quarter-hour, micro-kWh, of how many points and members."""

    injected_ukwh: int
    withdrawn_ukwh: int
    points_count: int
    members_count: int


@dataclass(frozen=True, slots=True)
class ReadDay:
    """The metering points of a zone that were read on a local day."""

    zone_id: UUID
    day: date
    period: Period
    metering_point_ids: tuple[UUID, ...]


def level_of(utilisation_ppm: int) -> CongestionLevel:
    """The level of a utilisation."""
    return next(level for lowest, level in LEVELS if utilisation_ppm >= lowest)


def window(now: datetime) -> Period:
    """The quarter-hours that are measured at an instant: a day and more back, since readings come late, and ahead."""
    return Period(floor_to(now - LOOKS_BACK, 15), floor_to(now + LOOKS_AHEAD, 15))


METERED = text("""
    WITH day AS (
        SELECT area.market_zone_id AS zone_id, reading.direction, reading.values_ukwh,
               reading.resolution_minutes AS minutes,
               CAST(reading.day AS timestamp) AT TIME ZONE point.timezone AS midnight
        FROM substation_area AS area
        JOIN metering_point AS point ON point.substation_area_id = area.id
        JOIN reading ON reading.metering_point_id = point.id
        WHERE area.market_zone_id IS NOT NULL AND reading.superseded_at IS NULL
          AND reading.day BETWEEN :first AND :last),
    value AS (
        SELECT zone_id, direction, minutes, unnest(values_ukwh) AS ukwh,
               midnight + (generate_subscripts(values_ukwh, 1) - 1) * make_interval(mins => minutes) AS starts_at
        FROM day)
    SELECT zone_id, direction, quarter, round(sum(ukwh * 15.0 / minutes)) AS ukwh, count(*) AS points
    FROM value, generate_series(starts_at, starts_at + make_interval(mins => minutes - 15), interval '15 minutes')
         AS quarter
    WHERE ukwh IS NOT NULL AND quarter >= :start AND quarter < :end
    GROUP BY zone_id, direction, quarter
""")
READ_DAYS = text("""
    SELECT area.market_zone_id AS zone_id, reading.day,
           CAST(reading.day AS timestamp) AT TIME ZONE point.timezone AS starts_at,
           CAST(reading.day + 1 AS timestamp) AT TIME ZONE point.timezone AS ends_at,
           array_agg(DISTINCT point.id) AS points
    FROM substation_area AS area
    JOIN metering_point AS point ON point.substation_area_id = area.id
    JOIN reading ON reading.metering_point_id = point.id
    WHERE area.market_zone_id IS NOT NULL AND reading.superseded_at IS NULL
      AND reading.day BETWEEN :first AND :last
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 3
""")
_SPAN = (bindparam("start", type_=DateTime(timezone=True)), bindparam("end", type_=DateTime(timezone=True)))
_DAYS = (bindparam("first", type_=Date()), bindparam("last", type_=Date()))


async def read_days(session: AsyncSession, period: Period) -> list[ReadDay]:
    """Which metering points of each zone were read, by local day."""
    rows = await session.execute(READ_DAYS.bindparams(*_DAYS), _days(period))
    return [ReadDay(row.zone_id, row.day, Period(row.starts_at, row.ends_at), tuple(row.points)) for row in rows]


async def metered(session: AsyncSession, period: Period, members: Sequence[tuple[ReadDay, int]]) -> dict[Cell, Metered]:
    """What was read of all zones; `members` says how many take part with the points of each day that was read."""
    given = _days(period) | {"start": period.start, "end": period.end}
    found: dict[Cell, dict[Direction, Any]] = {}
    for row in await session.execute(METERED.bindparams(*_DAYS, *_SPAN), given):
        found.setdefault((row.zone_id, row.quarter), {})[Direction(row.direction)] = row
    return {cell: _metered(rows, _fewest(cell, members)) for cell, rows in found.items()}


def _days(period: Period) -> dict[str, Any]:
    """Local days that may touch a period, whatever their zone."""
    return {
        "first": (period.start - timedelta(hours=15)).date(),
        "last": (period.end + timedelta(hours=15)).date(),
    }


def _metered(rows: Mapping[Direction, Any], members_count: int) -> Metered:
    injected, withdrawn = (int(rows[each].ukwh) if each in rows else 0 for each in Direction)
    return Metered(injected, withdrawn, max(int(row.points) for row in rows.values()), members_count)


def _fewest(cell: Cell, members: Sequence[tuple[ReadDay, int]]) -> int:
    zone_id, start = cell
    counts = (count for day, count in members if day.zone_id == zone_id and day.period.start <= start < day.period.end)
    return min(counts, default=0)


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a zone in a quarter-hour."""

    zone_id: UUID
    interval_start: datetime
    metered: Metered | None
    net_export_ukwh: int
    direction: Direction
    load_w: int
    capacity_w: int | None
    utilisation_ppm: int | None

    @property
    def row(self) -> dict[str, Any]:
        """The columns that tell one measurement from another."""
        read = self.metered
        return {
            "zone_id": self.zone_id,
            "interval_start": self.interval_start,
            "injected_ukwh": read and read.injected_ukwh,
            "withdrawn_ukwh": read and read.withdrawn_ukwh,
            "points_count": read.points_count if read else 0,
            "members_count": read.members_count if read else 0,
            "net_export_ukwh": self.net_export_ukwh,
            "direction": self.direction,
            "load_w": self.load_w,
            "capacity_w": self.capacity_w,
            "utilisation_ppm": self.utilisation_ppm,
        }


def load_of(
    cell: Cell,
    metered: Metered | None,
    net_export_ukwh: int,
    capacity: Mapping[tuple[UUID, Direction], Capacities],
) -> Load:
    """The load by readings, or by trades where there are none. Watts and millionths are rounded half-even."""
    zone_id, start = cell
    excess = -net_export_ukwh if metered is None else metered.withdrawn_ukwh - metered.injected_ukwh
    direction = Direction.INJECTED if excess < 0 else Direction.WITHDRAWN
    load_w = round_half_even(abs(excess) * 4, 1_000)  # Micro-kWh of a quarter-hour.
    capacity_w = capacity.get((zone_id, direction), capacities.NONE).at(start)
    utilisation = None if capacity_w is None else round_half_even(load_w * WHOLE_PPM, capacity_w)
    return Load(zone_id, start, metered, net_export_ukwh, direction, load_w, capacity_w, utilisation)


async def record(
    session: AsyncSession, metered: Mapping[Cell, Metered], net_exports: Mapping[Cell, int], *, now: datetime
) -> list[Load]:
    """Store the loads that are new or not as they were measured before; gives all, by zone and time."""
    cells = sorted(metered.keys() | net_exports.keys())
    capacity = await capacities.of_zones(session, {zone_id for zone_id, _ in cells})
    loads = [load_of(cell, metered.get(cell), net_exports.get(cell, 0), capacity) for cell in cells]
    known = await _newest(session, cells)
    rows = []
    for load in loads:
        before = known.get((load.zone_id, load.interval_start))
        if before is None or any(getattr(before, name) != value for name, value in load.row.items()):
            version = 1 if before is None else before.version + 1
            rows.append({"id": new_id(), "version": version, "measured_at": now, **load.row})
    if rows:
        await session.execute(insert(ZoneLoad), rows)
    return loads


async def _newest(session: AsyncSession, cells: Sequence[Cell]) -> dict[Cell, ZoneLoad]:
    if not cells:
        return {}
    starts = [start for _, start in cells]
    query = newest().where(
        among(ZoneLoad.zone_id, {zone_id for zone_id, _ in cells}),
        ZoneLoad.interval_start.between(min(starts), max(starts)),
    )
    return {(row.zone_id, row.interval_start): row for row in await session.scalars(query)}


def newest() -> Select[Any]:
    """The measurements that count."""
    other = aliased(ZoneLoad)
    highest = select(func.max(other.version)).where(
        other.zone_id == ZoneLoad.zone_id, other.interval_start == ZoneLoad.interval_start
    )
    return select(ZoneLoad).where(ZoneLoad.version == highest.scalar_subquery())
