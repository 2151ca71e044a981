"""What the metering points of each zone counted, by quarter-hour, and whom it may be told.

Readings of longer intervals are spread evenly over their quarter-hours.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Row, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates import admission, sets
from domain.aggregates.admission import Told
from domain.aggregates.dominance import SHARE_MAX_PERCENT
from domain.aggregates.sets import Subject, Taking
from domain.aggregates.tables import Audience, SetKind
from domain.grid.loads import Cell, Metered
from domain.kernel.intervals import Period
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction

# Current readings of points in zones, with whether somebody takes part with the point on that day.
READ = """
    SELECT area.market_zone_id AS zone_id, point.id AS point_id, reading.direction, reading.day, reading.values_ukwh,
           reading.total_ukwh, reading.resolution_minutes AS minutes,
           CAST(reading.day AS timestamp) AT TIME ZONE point.timezone AS midnight,
           (SELECT min(coalesce(member.user_id, member.id)::text) FROM participation AS part
            JOIN member ON member.id = part.member_id
            WHERE part.metering_point_id = point.id AND part.valid_from <= reading.day
              AND (part.valid_to IS NULL OR part.valid_to > reading.day)) AS person
    FROM substation_area AS area
    JOIN metering_point AS point ON point.substation_area_id = area.id
    JOIN reading ON reading.metering_point_id = point.id
    WHERE area.market_zone_id IS NOT NULL AND reading.superseded_at IS NULL
      AND reading.day BETWEEN :first AND :last
"""


def _prepared(sql: str) -> TextClause:
    instants = [bindparam(name, type_=DateTime(timezone=True)) for name in ("start", "end") if f":{name}" in sql]
    return text(sql).bindparams(bindparam("first", type_=Date()), bindparam("last", type_=Date()), *instants)


METERED = _prepared(f"""
    WITH day AS ({READ}), value AS (
        SELECT zone_id, direction, day, person, minutes, unnest(values_ukwh) AS ukwh,
               midnight + (generate_subscripts(values_ukwh, 1) - 1) * make_interval(mins => minutes) AS starts_at
        FROM day)
    SELECT zone_id, direction, quarter, min(day) AS day, round(sum(ukwh * 15.0 / minutes)) AS ukwh,
           count(*) FILTER (WHERE person IS NOT NULL) AS held
    FROM value, generate_series(starts_at, starts_at + make_interval(mins => minutes - 15), interval '15 minutes')
         AS quarter
    WHERE ukwh IS NOT NULL AND quarter >= :start AND quarter < :end
    GROUP BY zone_id, direction, quarter
""")  # noqa: S608 - made of constants.
# How many points somebody takes part with: as many readings make a sum complete.
HELD = _prepared("""
    SELECT area.market_zone_id AS zone_id, held.direction, CAST(day.day AS date) AS day, count(*) AS points
    FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day (day)
    JOIN substation_area AS area ON area.market_zone_id IS NOT NULL
    JOIN metering_point AS point ON point.substation_area_id = area.id
    CROSS JOIN LATERAL unnest(point.directions) AS held (direction)
    WHERE EXISTS (SELECT FROM participation AS part WHERE part.metering_point_id = point.id
                  AND part.valid_from <= day.day AND (part.valid_to IS NULL OR part.valid_to > day.day))
    GROUP BY 1, 2, 3
""")
DOMINATED = _prepared(f"""
    SELECT zone_id, direction, day
    FROM (SELECT zone_id, direction, day, sum(total_ukwh) AS energy FROM ({READ}) AS day
          GROUP BY zone_id, direction, day, person) AS of_person
    GROUP BY zone_id, direction, day
    HAVING max(energy) * 100 > sum(energy) * {SHARE_MAX_PERCENT}
""")  # noqa: S608 - made of constants.

Key = tuple[UUID, Direction, date]


async def metered(session: AsyncSession, period: Period) -> dict[Cell, Metered]:
    """What was read of all zones, with why it is withheld from outsiders; decides that where it has not been."""
    days = _days(period)
    given = {"first": days[0], "last": days[1]}
    rows = (await session.execute(METERED, given | {"start": period.start, "end": period.end})).all()
    held = {_key(row): row.points for row in await session.execute(HELD, given)}
    dominated = {_key(row) for row in await session.execute(DOMINATED, given)}
    told = await _told(session, {row.zone_id for row in rows}, days)

    def withheld(row: Row[Any]) -> Suppression | None:
        zone_id, direction, day = key = _key(row)
        decided = told[zone_id][direction, day]
        if decided is not None:
            return decided
        if key in dominated:
            return Suppression.DOMINANCE
        return Suppression.INCOMPLETE if row.held < held.get(key, 0) else None

    cells: dict[Cell, dict[Direction, Any]] = {}
    for row in rows:
        cells.setdefault((row.zone_id, row.quarter), {})[Direction(row.direction)] = row
    return {cell: _metered(cell, found, held, withheld) for cell, found in cells.items()}


def _metered(cell: Cell, rows: Mapping[Direction, Any], held: Mapping[Key, int], withheld: Any) -> Metered:
    """Of a direction in which nothing was read it is known that nothing passed, where no point could have told."""
    day = next(iter(rows.values())).day
    ukwh = [int(rows[way].ukwh) if way in rows else 0 for way in Direction]
    reasons = [
        withheld(rows[way]) if way in rows else Suppression.INCOMPLETE if held.get((cell[0], way, day)) else None
        for way in Direction
    ]
    return Metered(ukwh[0], ukwh[1], reasons[0], reasons[1])


async def _told(session: AsyncSession, zone_ids: Iterable[UUID], days: tuple[date, date]) -> dict[UUID, Told]:
    """What outsiders are told of each zone, decided now where it is not yet."""
    connection = await session.connection()
    of_zone: dict[Subject, list[Taking]] = {}
    for taking in (await sets.read(connection, *days)).takings:
        of_zone.setdefault(taking.subject, []).append(taking)
    found = {}
    for zone_id in sorted(zone_ids):
        zone = Subject(SetKind.ZONE, zone_id)
        takings = of_zone.get(zone, [])
        told = await admission.told(connection, zone, takings, days, Audience.OUTSIDERS)
        if Suppression.UNDECIDED in told.values():
            await admission.decide(session, zone, takings, days, Audience.OUTSIDERS)
            told = await admission.told(connection, zone, takings, days, Audience.OUTSIDERS)
        found[zone_id] = told
    return found


def _key(row: Row[Any]) -> Key:
    return row.zone_id, Direction(row.direction), row.day


def _days(period: Period) -> tuple[date, date]:
    """Local days that may touch a period, whatever their zone."""
    return (period.start - timedelta(hours=15)).date(), (period.end + timedelta(hours=15)).date()
