"""Readings as one matrix, for allocation: interval by metering point, exact, complete or refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, Date, Uuid, and_, bindparam, func, select
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.intervals import Period, day_start, local_days, whole_local_days
from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import calendar_day, day_number
from domain.metering.tables import Direction, MeteringPoint, Reading
from domain.metering.wire import values_of

NAMED_MAX = 100
ByPoint: TypeAlias = Mapping[tuple[UUID, Direction], Mapping[datetime, int]]  # Micro-kWh by quarter-hour.


@dataclass(frozen=True, slots=True)
class PointDays:
    """A column of a matrix: a metering point, and the local days [first_day, end_day) wanted of it; None is open."""

    metering_point_id: UUID
    first_day: date | None = None
    end_day: date | None = None


class ReadingsMissing(DomainError):
    """Days of metering points are absent or incomplete; the first hundred are named."""

    def __init__(self, direction: Direction, days: Sequence[tuple[UUID, date]], count: int) -> None:
        first = f"the first on {days[0][1]}"
        super().__init__(f"{count} days of {direction.value} readings are missing or incomplete; {first}.")
        self.direction = direction
        self.days = tuple(days)
        self.count = count


class ResolutionTooCoarse(DomainError):
    """Readings are coarser than asked for, and energy cannot be divided in time."""

    def __init__(self, metering_point_id: UUID | None, day: date | None, minutes: int, wanted_minutes: int) -> None:
        what = "Readings are" if metering_point_id is None else f"Readings of {day} are"
        super().__init__(f"{what} of {minutes} minutes; they cannot be divided into {wanted_minutes}.")
        self.metering_point_id = metering_point_id
        self.day = day
        self.minutes = minutes
        self.wanted_minutes = wanted_minutes


@dataclass(frozen=True, slots=True)
class _Zone:
    """Columns whose points keep one zone's days; `offsets` counts intervals from the period's start."""

    positions: list[int]
    first_day: int
    offsets: npt.NDArray[np.int64]  # shape (days,)


async def read_matrix(
    connection: AsyncConnection,
    columns: Sequence[PointDays],
    direction: Direction,
    period: Period,
    resolution_minutes: int,
) -> MicroKwh:
    """Metered micro-kWh, shape (intervals of the period, columns); zero on days that are not wanted of a point.

    The period is whole local days of every point. Finer readings are summed, coarser ones refused.
    Raises NotFound, InvalidValue, ReadingsMissing, ResolutionTooCoarse.
    """
    by_column = np.zeros((len(columns), period.intervals(resolution_minutes)), np.int64)
    gaps: list[tuple[int, int]] = []
    for name, positions in (await _positions_by_zone(connection, columns)).items():
        zone = _zone(name, positions, period, resolution_minutes)
        has = np.zeros((len(columns), len(zone.offsets)), bool)
        wanted = [_wanted(columns[position], zone) for position in positions]
        for first, end in _months(zone):
            rows = await _read(connection, columns, positions, wanted, direction, first, end)
            _place(rows, columns, zone, resolution_minutes, by_column, has)
        gaps += _gaps(positions, wanted, zone, has)
    if gaps:
        named = [(columns[position].metering_point_id, calendar_day(day)) for position, day in gaps[:NAMED_MAX]]
        raise ReadingsMissing(direction, named, len(gaps))
    return np.ascontiguousarray(by_column.T)


async def _positions_by_zone(connection: AsyncConnection, columns: Sequence[PointDays]) -> dict[str, list[int]]:
    ids = sorted({column.metering_point_id for column in columns})
    given = bindparam("ids", ids, type_=ARRAY(Uuid()))
    query = select(MeteringPoint.id, MeteringPoint.timezone).where(MeteringPoint.id == func.any(given))
    zones = {row.id: row.timezone for row in await connection.execute(query)}
    positions: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        if column.metering_point_id not in zones:
            raise NotFound("metering point", column.metering_point_id)
        positions.setdefault(zones[column.metering_point_id], []).append(position)
    return positions


def _zone(name: str, positions: list[int], period: Period, minutes: int) -> _Zone:
    zone = ZoneInfo(name)
    if not whole_local_days(period, zone):
        raise InvalidValue(("period",), f"The period is not made of whole local days of {name}.")
    days = list(local_days(period, zone))
    offsets = [(day_start(day, zone) - period.start) / timedelta(minutes=minutes) for day in days]
    return _Zone(positions, day_number(days[0]), np.array(offsets).astype(np.int64))


def _wanted(column: PointDays, zone: _Zone) -> tuple[int, int]:
    """Day numbers [first, end) wanted of a column within the period."""
    last = zone.first_day + len(zone.offsets)
    first = zone.first_day if column.first_day is None else max(zone.first_day, day_number(column.first_day))
    end = last if column.end_day is None else min(last, day_number(column.end_day))
    return first, max(first, end)


def _months(zone: _Zone) -> Iterator[tuple[date, date]]:
    """The days of the period month by month: one partition, and a bounded answer, for each statement."""
    days = (calendar_day(zone.first_day + index) for index in range(len(zone.offsets)))
    for _, month in groupby(days, key=lambda day: (day.year, day.month)):
        in_month = list(month)
        yield in_month[0], in_month[-1] + timedelta(days=1)


async def _read(
    connection: AsyncConnection,
    columns: Sequence[PointDays],
    positions: Sequence[int],
    wanted: Sequence[tuple[int, int]],
    direction: Direction,
    first: date,
    end: date,
) -> Sequence[Any]:
    """Complete days of a month that are wanted: position, day, day number, minutes, intervals, values as sent."""
    given = (
        func.unnest(
            bindparam("positions", list(positions), type_=ARRAY(BigInteger())),
            bindparam("ids", [columns[position].metering_point_id for position in positions], type_=ARRAY(Uuid())),
            bindparam("firsts", [calendar_day(low) for low, _ in wanted], type_=ARRAY(Date())),
            bindparam("ends", [calendar_day(high) for _, high in wanted], type_=ARRAY(Date())),
        )
        .table_valued(
            sql_column("position", BigInteger),
            sql_column("id", Uuid),
            sql_column("first_day", Date),
            sql_column("end_day", Date),
        )
        .render_derived()
    )
    intervals = func.cardinality(Reading.values_ukwh).label("intervals")
    query = (
        select(
            given.c.position,
            (Reading.day - date(1970, 1, 1)).label("day"),
            Reading.resolution_minutes.label("minutes"),
            intervals,
            func.array_send(Reading.values_ukwh).label("sent"),
        )
        .join_from(
            given,
            Reading,
            and_(
                Reading.metering_point_id == given.c.id,
                Reading.day >= given.c.first_day,
                Reading.day < given.c.end_day,
            ),
        )
        .where(Reading.direction == direction, Reading.superseded_at.is_(None), Reading.is_complete)
        .where(Reading.day >= first, Reading.day < end)
    )
    return (await connection.execute(query)).all()


def _place(
    rows: Sequence[Any],
    columns: Sequence[PointDays],
    zone: _Zone,
    minutes: int,
    by_column: MicroKwh,
    has: npt.NDArray[np.bool_],
) -> None:
    """Put days where they belong, those of equal length together."""
    for intervals in {row.intervals for row in rows}:
        alike = [row for row in rows if row.intervals == intervals]
        coarse = alike[0].minutes
        if coarse > minutes:
            at = columns[alike[0].position].metering_point_id
            raise ResolutionTooCoarse(at, calendar_day(alike[0].day), coarse, minutes)
        values = values_of([row.sent for row in alike], intervals)
        summed = values.reshape(len(alike), intervals * coarse // minutes, minutes // coarse).sum(axis=2)
        position = np.array([row.position for row in alike])
        day = np.array([row.day for row in alike]) - zone.first_day
        by_column[position[:, None], zone.offsets[day][:, None] + np.arange(summed.shape[1])] = summed
        has[position, day] = True


def _gaps(
    positions: Sequence[int], wanted: Sequence[tuple[int, int]], zone: _Zone, has: npt.NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Column and day number of every day that is wanted and not there."""
    gaps = []
    for position, (first, end) in zip(positions, wanted, strict=True):
        absent = np.flatnonzero(~has[position, first - zone.first_day : end - zone.first_day]) + first
        gaps += [(position, day) for day in absent.tolist()]
    return gaps
