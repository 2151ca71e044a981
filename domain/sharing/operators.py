"""The grid operator's own allocation: ingested, authoritative, and compared with ours.

Where a grid operator computes the allocation (Luxembourg, Austria) its figures are stored beside ours; a run reports
each interval in which they differ by more than the operator's rounding of 10^-6 kWh.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.communities.tables import Community, Participation
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import intervals_in_day
from domain.metering.tables import Direction
from domain.sharing.tables import AllocationDifference, OperatorFigure

ROUNDING_UKWH = 1

# Ours and theirs, interval by interval, where both state something and differ by more than their rounding.
DIFFERING = text("""
WITH theirs AS (
  SELECT DISTINCT ON (f.metering_point_id, f.direction, f.day)
         f.metering_point_id, f.direction, f.day, f.resolution_minutes, f.shared_ukwh
  FROM operator_figure f JOIN allocation_run r ON r.community_id = f.community_id AND r.id = :run
  ORDER BY f.metering_point_id, f.direction, f.day, f.version DESC
)
SELECT r.community_id, d.metering_point_id, d.member_id, d.direction, v.ours, v.theirs,
       (d.day::timestamp AT TIME ZONE c.timezone) + (v.n - 1) * r.interval_minutes * interval '1 minute' AS at
FROM allocation_run r
JOIN community c ON c.id = r.community_id
JOIN allocation_day d ON d.run_id = r.id
JOIN theirs t USING (metering_point_id, direction, day)
CROSS JOIN LATERAL unnest(d.shared_ukwh, t.shared_ukwh) WITH ORDINALITY AS v (ours, theirs, n)
WHERE r.id = :run AND t.resolution_minutes = r.interval_minutes AND abs(v.ours - v.theirs) > :rounding
ORDER BY at, d.metering_point_id
""")


@dataclass(frozen=True, slots=True)
class FigureDay:
    """What the operator states for a point, direction and local day: micro-kWh, None where it states nothing."""

    metering_point_id: UUID
    direction: Direction
    day: date
    shared_ukwh: tuple[int | None, ...]


async def record_figures(
    session: AsyncSession, community_id: UUID, minutes: int, days: Sequence[FigureDay], *, actor: str
) -> int:
    """Store an operator's statement as the newest one of its days; gives the number of days.

    Raises InvalidValue for points of other communities, negative values and days of the wrong length.
    """
    community = await session.get_one(Community, community_id, with_for_update=True)
    taking_part = select(Participation.metering_point_id).where(Participation.community_id == community_id)
    points = set(await session.scalars(taking_part))
    for number, day in enumerate(days):
        _check(day, number, points, ZoneInfo(community.timezone), minutes)
    latest = (
        select(
            OperatorFigure.metering_point_id,
            OperatorFigure.direction,
            OperatorFigure.day,
            func.max(OperatorFigure.version),
        )
        .where(OperatorFigure.community_id == community_id)
        .group_by(OperatorFigure.metering_point_id, OperatorFigure.direction, OperatorFigure.day)
    )
    versions = {(point, direction, day): version for point, direction, day, version in await session.execute(latest)}
    rows = [
        {
            "community_id": community_id,
            "metering_point_id": day.metering_point_id,
            "direction": day.direction,
            "day": day.day,
            "version": versions.get((day.metering_point_id, day.direction, day.day), 0) + 1,
            "resolution_minutes": minutes,
            "shared_ukwh": list(day.shared_ukwh),
        }
        for day in days
    ]
    for start in range(0, len(rows), 2_000):
        await session.execute(insert(OperatorFigure), rows[start : start + 2_000])
    facts = {"days": len(rows), "resolution_minutes": minutes}
    await entries.record(
        session,
        "operator_figures.record",
        actor=actor,
        subject=("Community", community_id),
        scope_id=community_id,
        facts=facts,
    )
    return len(rows)


async def days_stated(connection: AsyncConnection, community_id: UUID, first: date, last: date) -> int:
    """How many days the operator has stated within a span, restated ones again: grows with every new statement."""
    query = select(func.count()).where(
        OperatorFigure.community_id == community_id, OperatorFigure.day.between(first, last)
    )
    return int((await connection.execute(query)).scalar_one())


async def record_differences(session: AsyncSession, run_id: UUID) -> int:
    """Store where a run and the operator disagree; a run that has its differences keeps them. Gives their number."""
    known = select(func.count()).where(AllocationDifference.run_id == run_id)
    if count := (await session.execute(known)).scalar_one():
        return int(count)
    differing = await session.execute(DIFFERING, {"run": run_id, "rounding": ROUNDING_UKWH})
    rows = [
        {
            "id": new_id(),
            "run_id": run_id,
            "community_id": row.community_id,
            "metering_point_id": row.metering_point_id,
            "member_id": row.member_id,
            "direction": Direction(row.direction),
            "interval_start": row.at,
            "ours_ukwh": row.ours,
            "operator_ukwh": row.theirs,
        }
        for row in differing
    ]
    for start in range(0, len(rows), 5_000):
        await session.execute(insert(AllocationDifference), rows[start : start + 5_000])
    return len(rows)


def _check(day: FigureDay, number: int, points: set[UUID], zone: ZoneInfo, minutes: int) -> None:
    if day.metering_point_id not in points:
        raise InvalidValue(("days", str(number)), "The metering point does not take part in this community.")
    expected = intervals_in_day(day.day, zone, minutes)
    if len(day.shared_ukwh) != expected:
        raise InvalidValue(("days", str(number)), f"{day.day} has {expected} intervals, not {len(day.shared_ukwh)}.")
    if any(value is not None and value < 0 for value in day.shared_ukwh):
        raise InvalidValue(("days", str(number)), "Shared energy is never negative.")
