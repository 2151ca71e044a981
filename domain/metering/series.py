"""Readings as packed series, summed in SQL: one number per interval of a resolution, for people to look at.

Values are kWh in float64: series are for display; exact sums are `matrices.read_matrix`. An interval is missing where
not every metering point that should measure it has; its value is the sum of what has arrived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Date, Integer, Uuid, and_, bindparam, cast, func, literal, select
from sqlalchemy import Numeric as SqlNumeric
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger

from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period, Resolution, day_start, local_days, whole_local_days
from domain.kernel.quantities import MICRO, UKWH_PER_KWH
from domain.metering.clocks import day_number
from domain.metering.matrices import ResolutionTooCoarse
from domain.metering.tables import Direction, Reading

POINTS_MAX = 10_000
DAYS_MAX = 3_660
SECONDS_PER_MINUTE = 60
PPM = MICRO

Kwh = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PointShare:
    """A metering point with the share of it that counts, on local days [first_day, end_day); None is open."""

    metering_point_id: UUID
    directions: frozenset[Direction]
    factor_ppm: int = PPM
    first_day: date | None = None
    end_day: date | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """kWh per interval of each direction, from `start`; `missing` are indices of intervals not wholly measured."""

    start: datetime
    resolution: Resolution
    kwh: Mapping[Direction, Kwh]
    missing: Mapping[Direction, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The intervals of a period: the number of the first one's day, and of each local day its start and intervals."""

    period: Period
    resolution: Resolution
    days: tuple[date, ...]
    day_starts_s: npt.NDArray[np.int64]
    size: int

    @property
    def is_of_days(self) -> bool:
        """Whether an interval is made of whole local days."""
        return self.resolution in (Resolution.DAY, Resolution.MONTH)


def grid(period: Period, resolution: Resolution, zone: ZoneInfo) -> Grid:
    """The intervals of a period in a zone. Raises InvalidValue at `period`, `resolution`."""
    if period.end - period.start > timedelta(days=DAYS_MAX):
        raise InvalidValue(("period",), f"The period is longer than {DAYS_MAX} days.")
    days = tuple(local_days(period, zone))
    starts = np.array([int(day_start(day, zone).timestamp()) for day in days], np.int64)
    size = _size(period, resolution, zone, days)
    if size > POINTS_MAX:
        raise InvalidValue(("period",), f"{size} intervals are more than {POINTS_MAX}; ask for a coarser resolution.")
    return Grid(period, resolution, days, starts, size)


def _size(period: Period, resolution: Resolution, zone: ZoneInfo, days: Sequence[date]) -> int:
    if resolution not in (Resolution.DAY, Resolution.MONTH):
        if not all(_is_aligned(instant, resolution.minutes, zone) for instant in (period.start, period.end)):
            raise InvalidValue(("period",), f"The period does not start and end on intervals of {resolution.value}.")
        return period.intervals(resolution.minutes)
    after = period.end.astimezone(zone).date()
    whole = whole_local_days(period, zone) and (resolution is Resolution.DAY or (days[0].day, after.day) == (1, 1))
    if not whole:
        raise InvalidValue(("period",), f"The period is not made of whole local {resolution.name.lower()}s of {zone}.")
    return len(days) if resolution is Resolution.DAY else _month(after) - _month(days[0])


def _is_aligned(instant: datetime, minutes: int, zone: ZoneInfo) -> bool:
    since = instant - day_start(instant.astimezone(zone).date(), zone)
    return since % timedelta(minutes=minutes) == timedelta()


def _month(day: date) -> int:
    return day.year * 12 + day.month


async def read_series(
    connection: AsyncConnection, shares: Sequence[PointShare], grid: Grid, *conditions: ColumnElement[bool]
) -> Series:
    """Sums over metering points, each by its share; the points keep the days of the grid's zone.

    `conditions` limit which readings count, such as what a viewer may see. Raises ResolutionTooCoarse.
    """
    kwh = {direction: np.zeros(grid.size) for direction in Direction}
    measured = {direction: np.zeros(grid.size, np.int64) for direction in Direction}
    query = (_of_days if grid.is_of_days else _within_days)(shares, grid, conditions)
    found = query.subquery("found").c
    coarsest = literal(0) if grid.is_of_days else func.max(found.coarsest)
    packed = select(found.direction, coarsest.label("coarsest"), *_columns(found, "number", "ukwh", "measured"))
    for row in await connection.execute(packed.group_by(found.direction)):
        if not grid.is_of_days and row.coarsest > grid.resolution.minutes:
            raise ResolutionTooCoarse(None, None, row.coarsest, grid.resolution.minutes)
        kwh[row.direction][row.number] = np.array(row.ukwh) / UKWH_PER_KWH
        measured[row.direction][row.number] = row.measured
    missing = {
        direction: np.flatnonzero(measured[direction] < _expected(shares, grid, direction)) for direction in Direction
    }
    return Series(grid.period.start, grid.resolution, MappingProxyType(kwh), MappingProxyType(missing))


def _columns(found: Any, *names: str) -> list[Any]:
    """Whole columns as arrays: ten thousand rows would be made into objects, while nobody else is served."""
    return [func.array_agg(found[name], type_=ARRAY(BigInteger)).label(name) for name in names]


def _given(shares: Sequence[PointShare], grid: Grid) -> Any:
    """The shares as a table, each with its days within the grid."""
    first, end = grid.days[0], grid.days[-1] + timedelta(days=1)
    columns: dict[str, tuple[Any, list[Any]]] = {
        "id": (Uuid(), [share.metering_point_id for share in shares]),
        "factor_ppm": (BigInteger(), [share.factor_ppm for share in shares]),
        "first_day": (Date(), [max(share.first_day or first, first) for share in shares]),
        "end_day": (Date(), [min(share.end_day or end, end) for share in shares]),
    }
    arrays = [bindparam(f"share_{name}", values, type_=ARRAY(kind)) for name, (kind, values) in columns.items()]
    return (
        func.unnest(*arrays)
        .table_valued(*(sql_column(name, kind) for name, (kind, _) in columns.items()), name="share")
        .render_derived()
    )


def _of_share(given: Any, grid: Grid) -> ColumnElement[bool]:
    """Current readings of a share; the outermost days are named so that whole months are left out when planning."""
    return and_(
        Reading.metering_point_id == given.c.id,
        Reading.day >= given.c.first_day,
        Reading.day < given.c.end_day,
        Reading.day.between(grid.days[0], grid.days[-1]),
        Reading.superseded_at.is_(None),
    )


def _of_days(shares: Sequence[PointShare], grid: Grid, conditions: Sequence[ColumnElement[bool]]) -> Any:
    """Per direction and day or month: kWh, and how many days are complete."""
    given = _given(shares, grid)
    number = _number_of_day(Reading.day, grid)
    return (
        select(
            Reading.direction,
            number.label("number"),
            _ukwh(cast(Reading.total_ukwh, SqlNumeric) * given.c.factor_ppm).label("ukwh"),
            func.count().filter(Reading.is_complete).label("measured"),
        )
        .join_from(given, Reading, _of_share(given, grid))
        .where(*conditions)
        .group_by(Reading.direction, "number")
    )


def _ukwh(parts: Any) -> ColumnElement[int]:
    """The sum of energies, each times its share in millionths, rounded once to the micro-kWh."""
    return cast(func.round(func.sum(parts) / PPM), BigInteger)


def _number_of_day(day: Any, grid: Grid) -> Any:
    """The number of the interval that a local day is or lies in."""
    if grid.resolution is Resolution.DAY:
        return day - grid.days[0]
    month = func.extract("year", day) * 12 + func.extract("month", day)
    return cast(month, Integer) - _month(grid.days[0])


def _number_within(since_s: Any, grid: Grid) -> Any:
    """The number of the interval that holds an instant, seconds since the first one began."""
    return since_s // literal(grid.resolution.minutes * SECONDS_PER_MINUTE, BigInteger)


def _slots(shares: Sequence[PointShare], grid: Grid, conditions: Sequence[ColumnElement[bool]]) -> Any:
    """Values within the grid, one row each: direction, day, energy by its share, length, and when it began."""
    given = _given(shares, grid)
    day_type = (sql_column("day", Date), sql_column("start_s", BigInteger))
    day = (
        func.unnest(
            bindparam("days", list(grid.days), type_=ARRAY(Date())),
            bindparam("starts", grid.day_starts_s.tolist(), type_=ARRAY(BigInteger())),
        )
        .table_valued(*day_type, name="local_day")
        .render_derived()
    )
    # Functions of the select list run in step and keep nothing; as tables they would be stored row by row.
    slot = (
        select(
            Reading.direction,
            Reading.day,
            Reading.resolution_minutes.label("minutes"),
            given.c.factor_ppm,
            day.c.start_s,
            func.unnest(Reading.values_ukwh, type_=BigInteger).label("ukwh"),
            func.generate_subscripts(Reading.values_ukwh, 1, type_=BigInteger).label("place"),
        )
        .join_from(given, Reading, _of_share(given, grid))
        .join(day, day.c.day == Reading.day)
        .where(*conditions)
        .subquery("slot")
        .c
    )
    start_s, end_s = (int(instant.timestamp()) for instant in (grid.period.start, grid.period.end))
    at_s = slot.start_s + (slot.place - 1) * slot.minutes * SECONDS_PER_MINUTE
    shared = (slot.ukwh * slot.factor_ppm).label("shared")
    columns = (slot.direction, slot.day, slot.minutes, shared, (at_s - start_s).label("since_s"))
    return select(*columns).where(slot.ukwh.is_not(None), at_s >= start_s, at_s < end_s).subquery("value").c


def _within_days(shares: Sequence[PointShare], grid: Grid, conditions: Sequence[ColumnElement[bool]]) -> Any:
    """Per direction and interval: energy, measured minutes summed over points, and the coarsest readings met."""
    value = _slots(shares, grid, conditions)
    return select(
        value.direction,
        _number_within(value.since_s, grid).label("number"),
        _ukwh(value.shared).label("ukwh"),
        func.sum(value.minutes).label("measured"),
        func.max(value.minutes).label("coarsest"),
    ).group_by(value.direction, "number")


async def read_excess(connection: AsyncConnection, shares: Sequence[PointShare], grid: Grid) -> tuple[Kwh, Kwh]:
    """What is injected beyond what is withdrawn, and the reverse, kWh per interval of the grid.

    Both add up the finest intervals that all readings have: an evening does not use what noon left over.
    """
    value = _slots(shares, grid, ())
    coarsest = select(func.max(value.minutes)).scalar_subquery()
    cell = value.since_s // (coarsest * SECONDS_PER_MINUTE)
    number = _number_of_day(value.day, grid) if grid.is_of_days else _number_within(value.since_s, grid)
    injected, withdrawn = (
        func.coalesce(func.sum(value.shared).filter(value.direction == each), 0)
        for each in (Direction.INJECTED, Direction.WITHDRAWN)
    )
    excess = (injected - withdrawn).label("excess")
    cells = select(number.label("number"), excess).group_by("number", cell).subquery("cell").c
    beyond = {"surplus": cells.excess, "deficit": -cells.excess}
    sides = [_ukwh(func.greatest(each, 0)).label(name) for name, each in beyond.items()]
    summed = select(cells.number, *sides).group_by(cells.number).subquery("summed").c
    row = (await connection.execute(select(*_columns(summed, "number", *beyond)))).one()
    surplus, deficit = np.zeros(grid.size), np.zeros(grid.size)
    if row.number:
        surplus[row.number] = np.array(row.surplus) / UKWH_PER_KWH
        deficit[row.number] = np.array(row.deficit) / UKWH_PER_KWH
    return surplus, deficit


def _expected(shares: Sequence[PointShare], grid: Grid, direction: Direction) -> npt.NDArray[np.int64]:
    """What `measured` would be if nothing were missing."""
    points = _points_of_day(shares, grid, direction)
    if grid.resolution is Resolution.DAY:
        return points
    if grid.resolution is Resolution.MONTH:
        months = np.array([_month(day) - _month(grid.days[0]) for day in grid.days])
        return np.bincount(months, points, grid.size).astype(np.int64)
    starts = int(grid.period.start.timestamp()) + np.arange(grid.size) * grid.resolution.minutes * SECONDS_PER_MINUTE
    return points[np.searchsorted(grid.day_starts_s, starts, "right") - 1] * grid.resolution.minutes


def _points_of_day(shares: Sequence[PointShare], grid: Grid, direction: Direction) -> npt.NDArray[np.int64]:
    """How many points measure a direction on each local day."""
    changes = np.zeros(len(grid.days) + 1, np.int64)
    first = day_number(grid.days[0])
    for share in shares:
        if direction in share.directions:
            begin = 0 if share.first_day is None else max(0, day_number(share.first_day) - first)
            end = len(grid.days) if share.end_day is None else min(len(grid.days), day_number(share.end_day) - first)
            if begin < end:
                changes[begin] += 1
                changes[end] -= 1
    return np.cumsum(changes)[:-1]
