"""Allocation runs: which of their sums members are told. A run keeps for good who took part when it was made."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates import admission
from domain.aggregates.sets import Subject, Taking
from domain.aggregates.tables import Audience, SetKind
from domain.metering.tables import Direction

DAY = timedelta(days=1)
OF_RUN = text("""
    SELECT of.direction, of.day, of.metering_point_id, coalesce(member.user_id, member.id) AS person_id,
           coalesce(part.factor_ppm, 1000000) AS factor_ppm
    FROM allocation_day AS of
    JOIN allocation_run AS run ON run.id = of.run_id
    JOIN member ON member.id = of.member_id
    LEFT JOIN participation AS part ON part.community_id = run.community_id
         AND part.metering_point_id = of.metering_point_id AND part.member_id = of.member_id
         AND part.valid_from <= of.day AND (part.valid_to IS NULL OR part.valid_to > of.day)
    WHERE of.run_id = :run_id
""")
DAYS = text("""
    SELECT CAST(timezone(community.timezone, run.period_start) AS date) AS first,
           CAST(timezone(community.timezone, run.period_end - interval '1 second') AS date) AS last
    FROM allocation_run AS run JOIN community ON community.id = run.community_id
    WHERE run.id = :run_id
""")
UNDECIDED = text("""
    SELECT run.id FROM allocation_run AS run
    WHERE NOT EXISTS (SELECT FROM published_set AS told WHERE told.subject_id = run.id)
    ORDER BY run.id LIMIT :limit
""")


async def decide(session: AsyncSession, run_id: UUID) -> None:
    """Decide which sums of a run its community's members are told."""
    days = (await session.execute(DAYS, {"run_id": run_id})).one()
    run = Subject(SetKind.RUN, run_id)
    rows = await session.execute(OF_RUN, {"run_id": run_id})
    takings = [
        Taking(
            run,
            Direction(row.direction),
            row.metering_point_id,
            row.person_id,
            row.factor_ppm,
            row.day,
            row.day + DAY,
        )
        for row in rows
    ]
    await admission.decide(session, run, takings, (days.first, days.last), Audience.MEMBERS)


async def undecided(session: AsyncSession, limit: int) -> Sequence[UUID]:
    """Runs of which nothing was decided yet: those made before there were rules, oldest first."""
    return list(await session.scalars(UNDECIDED, {"limit": limit}))
