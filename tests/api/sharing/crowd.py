"""Sharing: the first key has all points, the first community all runs, the first run all members."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Member
from domain.jobs.tables import Job, JobStatus
from domain.metering.tables import Direction, MeteringPoint
from domain.sharing import tables
from domain.sharing.words import ALLOCATE_PERIOD
from tests.api.crowd import MANY, START, Crowd, ids, stored

SIDE = {"direction": Direction.WITHDRAWN}
SUMS = {"injected_ukwh": 10, "withdrawn_ukwh": 10}


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Keys, runs with what is told of them, and the jobs that made them."""
    homes, points = await ids(session, Community), await ids(session, MeteringPoint)
    key_id = await _keys(session, homes, points)
    runs = await stored(session, [_a_run(homes[0], key_id, version + 1) for version in range(MANY)])
    members = await ids(session, Member)
    told = [(runs[0], member_id) for member_id in members] + [(run, members[0]) for run in runs[1:]]
    whose = [{"run_id": run.id, "community_id": homes[0], "member_id": member_id} for run, member_id in told]
    await stored(
        session, [tables.MemberAllocation(shared_in_ukwh=5, shared_out_ukwh=5, **SUMS, **each) for each in whose]
    )
    differing = {"interval_start": START, "ours_ukwh": 1, "operator_ukwh": 5, "metering_point_id": points[0], **SIDE}
    await stored(session, [tables.AllocationDifference(**differing, **each) for each in whose])
    done = {"status": JobStatus.SUCCEEDED, "result_type": "AllocationRun", "kind": ALLOCATE_PERIOD, "arguments": {}}
    await stored(
        session, [Job(key=f"j{i}", community_id=homes[0], result_id=run.id, **done) for i, run in enumerate(runs)]
    )


async def _keys(session: AsyncSession, homes: list[UUID], points: list[UUID]) -> UUID:
    """The key that has all points."""
    kinds = {"kind": tables.KeyKind.STATIC, "production_kind": tables.KeyKind.PRO_RATA}
    keys = await stored(session, [tables.SharingKey(community_id=id, valid_from=START, **kinds) for id in homes])
    shares = [(keys[0], point) for point in points] + [(key, points[0]) for key in keys[1:]]
    facts: dict[str, Any] = {"share_ppm": 1, **SIDE}
    await stored(
        session,
        [tables.KeyShare(key_id=k.id, community_id=k.community_id, metering_point_id=p, **facts) for k, p in shares],
    )
    return keys[0].id


def _a_run(community_id: UUID, key_id: UUID, version: int) -> tables.AllocationRun:
    return tables.AllocationRun(
        community_id=community_id,
        version=version,
        key_id=key_id,
        input_digest="x",
        shared_ukwh=5,
        period_start=START,
        period_end=START + timedelta(days=1),
        interval_minutes=15,
        **SUMS,
    )
