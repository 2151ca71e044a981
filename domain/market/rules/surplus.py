"""What an owner will probably inject and withdraw, by what was metered before; and what of it is bound already.

Method, stated so that anybody can compute it again: of each metering point that takes part for the owner, the mean of
the same local quarter-hour over the last seven complete days before a given local day, of those within the last
fourteen; each mean is rounded down to the micro-kWh. Points and quarter-hours are added up. Hours and half-hours that a
meter reports count in equal quarters. A day on which clocks change lends each local quarter-hour once, and one that was
left out not at all. Only days on which the point took part for the owner count.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import ARRAY, Date, DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.intervals import day_start, floor_to
from domain.kernel.quantities import MicroKwh
from domain.market.places.tables import OrderSide
from domain.metering.clocks import day_number
from domain.metering.tables import Direction
from domain.metering.wire import values_of

DAYS = 7
LOOKED_BACK = 14
QUARTER = timedelta(minutes=15)
QUARTERS = 96
MISSING = -1
NOTHING: Mapping[Any, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Metered:
    """Complete days of one metering point and direction, in order: their values by local clock and one after another.

    by_clock: shape (days, 96), MISSING where the clock left a quarter-hour out. values: quarter-hours as they came.
    """

    zone: ZoneInfo
    day_numbers: MicroKwh
    by_clock: MicroKwh
    values: tuple[MicroKwh, ...]

    def mean(self, before: int) -> MicroKwh:
        """The forecast of each local quarter-hour by the days before a day's number, micro-kWh, shape (96,)."""
        end = int(np.searchsorted(self.day_numbers, before))
        first = int(np.searchsorted(self.day_numbers, before - LOOKED_BACK))
        chosen = self.by_clock[max(first, end - DAYS) : end]
        known = chosen != MISSING
        counts = known.sum(axis=0)
        mean: MicroKwh = np.where(known, chosen, 0).sum(axis=0) // np.maximum(counts, 1)
        return mean

    def metered(self, instant: datetime) -> int:
        """What was metered in the quarter-hour that begins so, micro-kWh; 0 where nothing is known."""
        local = instant.astimezone(self.zone).date()
        at = int(np.searchsorted(self.day_numbers, day_number(local)))
        if at == len(self.day_numbers) or self.day_numbers[at] != day_number(local):
            return 0
        return int(self.values[at][(instant - day_start(local, self.zone)) // QUARTER])


@dataclass(frozen=True, slots=True)
class Past:
    """What was metered of owners, and how much their storage holds."""

    metered: Mapping[tuple[UUID, Direction], tuple[Metered, ...]]
    storage_ukwh: Mapping[UUID, int]
    owners: frozenset[UUID]  # For whom some metering point takes part.

    def expected_ukwh(
        self,
        owner_id: UUID,
        direction: Direction,
        starts: Sequence[datetime],
        minutes: int,
        made_at: Sequence[datetime],
    ) -> list[int]:
        """The forecast for intervals, each as it would have been made at an instant of its own."""
        totals = [0] * len(starts)
        for point in self.metered.get((owner_id, direction), ()):
            means: dict[int, MicroKwh] = {}
            for place, (start, at) in enumerate(zip(starts, made_at, strict=True)):
                before = day_number(at.astimezone(point.zone).date())
                if before not in means:
                    means[before] = point.mean(before)
                totals[place] += sum(int(means[before][_slot(each, point.zone)]) for each in _quarters(start, minutes))
        return totals

    def metered_ukwh(self, owner_id: UUID, direction: Direction, starts: Sequence[datetime], minutes: int) -> list[int]:
        """What was metered in intervals of the past."""
        points = self.metered.get((owner_id, direction), ())
        return [sum(point.metered(each) for each in _quarters(start, minutes) for point in points) for start in starts]


def _quarters(start: datetime, minutes: int) -> list[datetime]:
    return [start + number * QUARTER for number in range(minutes // 15)]


def _slot(instant: datetime, zone: ZoneInfo) -> int:
    """The number of the local quarter-hour that holds an instant."""
    local = instant.astimezone(zone)
    return local.hour * 4 + local.minute // 15


async def read(connection: AsyncConnection, owner_ids: Collection[UUID], first: date, until: date) -> Past:
    """What was metered on local days [first, until) of points that take part for owners on the last of them."""
    given = {"owners": sorted(owner_ids), "first": first, "until": until, "last": until - timedelta(days=1)}
    found: dict[tuple[UUID, UUID, str, Direction], list[Any]] = defaultdict(list)
    for row in await connection.execute(READINGS, given):
        found[row.owner_id, row.metering_point_id, row.timezone, Direction(row.direction)].append(row)
    metered: dict[tuple[UUID, Direction], list[Metered]] = defaultdict(list)
    for (owner_id, _, zone, direction), rows in found.items():
        metered[owner_id, direction].append(_metered(ZoneInfo(zone), rows))
    storage = {row.owner_id: int(row.capacity or 0) for row in await connection.execute(STORAGE, given)}
    return Past(
        {key: tuple(points) for key, points in metered.items()},
        {owner_id: capacity for owner_id, capacity in storage.items() if capacity},
        frozenset(storage),
    )


def first_day(now: datetime) -> date:
    """A day early enough for forecasts made at an instant, in any zone."""
    return now.astimezone(UTC).date() - timedelta(days=LOOKED_BACK + 1)


async def bound_ukwh(
    connection: AsyncConnection, owner_ids: Collection[UUID], start: datetime, end: datetime, minutes: int
) -> tuple[dict[tuple[UUID, OrderSide, datetime], int], dict[tuple[UUID, datetime], int]]:
    """What owners have open or traded for deliveries that begin in [start, end), by side and interval; and of it, what
    each rule placed. Energy of an order that is flexible counts in each interval in which it may be delivered.
    """
    given = {"owners": sorted(owner_ids), "start": start, "end": end}
    of_owner: dict[tuple[UUID, OrderSide, datetime], int] = defaultdict(int)
    of_rule: dict[tuple[UUID, datetime], int] = defaultdict(int)
    for row in await connection.execute(BOUND, given):
        at = floor_to(row.delivery_start, minutes)
        of_owner[row.owner_id, OrderSide(row.side), at] += int(row.energy)
        if row.rule_id is not None:
            of_rule[row.rule_id, at] += int(row.energy)
    return of_owner, of_rule


def _metered(zone: ZoneInfo, rows: Sequence[Any]) -> Metered:
    """Days of one point and direction, which the query gives in order."""
    values = tuple(_in_quarters(row) for row in rows)
    by_clock = np.full((len(rows), QUARTERS), MISSING, np.int64)
    for place, (row, quarters) in enumerate(zip(rows, values, strict=True)):
        if len(quarters) == QUARTERS:
            by_clock[place] = quarters
        else:
            begins = day_start(row.day, zone)
            for number in reversed(range(len(quarters))):  # Of an hour that comes twice the first one counts.
                by_clock[place, _slot(begins + number * QUARTER, zone)] = quarters[number]
    return Metered(zone, np.array([day_number(row.day) for row in rows], np.int64), by_clock, values)


def _in_quarters(row: Any) -> MicroKwh:
    """A day's values as quarter-hours; longer ones in equal parts, rounded down."""
    parts = row.minutes // 15
    quarters: MicroKwh = np.repeat(values_of([row.sent], row.intervals)[0] // parts, parts)
    return quarters


# For whom a point takes part, and from when to when; MATERIALIZED, for there are few and each is looked up.
PARTS = """
    part AS MATERIALIZED (
        SELECT member.user_id AS owner_id, metering_point_id, min(valid_from) AS first_day
        FROM member JOIN participation ON participation.member_id = member.id
        WHERE member.user_id = ANY(:owners)
        GROUP BY member.user_id, metering_point_id
        HAVING bool_or(valid_from <= :last AND (valid_to IS NULL OR valid_to > :last)))"""
READINGS = text(f"""
    WITH {PARTS}
    SELECT part.owner_id, part.metering_point_id, metering_point.timezone, reading.direction, reading.day,
           reading.resolution_minutes AS minutes, cardinality(reading.values_ukwh) AS intervals,
           array_send(reading.values_ukwh) AS sent
    FROM part
    JOIN metering_point ON metering_point.id = part.metering_point_id
    JOIN reading ON reading.metering_point_id = part.metering_point_id AND reading.day >= part.first_day
    WHERE reading.day >= :first AND reading.day < :until AND reading.superseded_at IS NULL AND reading.is_complete
    ORDER BY part.owner_id, part.metering_point_id, reading.direction, reading.day
""").bindparams(  # noqa: S608 - made of constants.
    bindparam("owners", type_=ARRAY(Uuid())),
    bindparam("first", type_=Date()),
    bindparam("until", type_=Date()),
    bindparam("last", type_=Date()),
)
STORAGE = text(f"""
    WITH {PARTS}
    SELECT part.owner_id,
           sum(asset.capacity_ukwh) FILTER (WHERE asset.kind = 'STORAGE') AS capacity
    FROM part LEFT JOIN asset ON asset.metering_point_id = part.metering_point_id
    GROUP BY part.owner_id
""").bindparams(  # noqa: S608
    bindparam("owners", type_=ARRAY(Uuid())), bindparam("last", type_=Date())
)
BOUND = text("""
    SELECT placed.owner_id, placed.side, placed.rule_id, part.delivery_start,
           sum(CASE WHEN part.is_open THEN part.energy_ukwh ELSE part.filled_ukwh END) AS energy
    FROM market_order AS placed JOIN order_interval AS part ON part.order_id = placed.id
    WHERE placed.owner_id = ANY(:owners) AND placed.delivery_end > :start AND placed.delivery_start < :end
      AND part.delivery_start >= :start AND part.delivery_start < :end
    GROUP BY placed.owner_id, placed.side, placed.rule_id, part.delivery_start
""").bindparams(
    bindparam("owners", type_=ARRAY(Uuid())),
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("end", type_=DateTime(timezone=True)),
)
