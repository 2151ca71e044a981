"""Load: what passes between a zone and the rest of the grid in a quarter-hour, and how much of its capacity that is.

    load = |withdrawn - injected| / 0.25 h          of the zone's metering points that were read (see the package)
    load = |bought - sold| / 0.25 h                 by trades, while nothing was read
    utilisation = load / capacity in the direction of the excess

Each measurement is a row of its own; the highest version counts. What was metered is read, and decided whom it may be
told, by `domain.aggregates.zones`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.grid import capacities
from domain.grid.capacities import Capacities
from domain.grid.tables import ZoneLoad
from domain.kernel.database import among, new_id
from domain.kernel.intervals import Period, floor_to
from domain.kernel.quantities import WHOLE_PPM, round_half_even
from domain.kernel.suppression import Suppression
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
    """What the metering points of a zone counted in a quarter-hour, micro-kWh, and why it is not for everybody."""

    injected_ukwh: int
    withdrawn_ukwh: int
    injected_withheld: Suppression | None
    withdrawn_withheld: Suppression | None


def level_of(utilisation_ppm: int) -> CongestionLevel:
    """The level of a utilisation."""
    return next(level for lowest, level in LEVELS if utilisation_ppm >= lowest)


def window(now: datetime) -> Period:
    """The quarter-hours that are measured at an instant: a day and more back, since readings come late, and ahead."""
    return Period(floor_to(now - LOOKS_BACK, 15), floor_to(now + LOOKS_AHEAD, 15))


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
            "injected_withheld": read and read.injected_withheld,
            "withdrawn_withheld": read and read.withdrawn_withheld,
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
