"""Allocation of shared energy among the members of a community: what is recorded of it.

`inputs.read_inputs` collects what it depends on, a solver shares it, `record_run` stores the result as a new version;
the same inputs give the run that is there already (I4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.communities.tables import Community
from domain.kernel.database import new_id
from domain.kernel.intervals import intervals_in_day
from domain.kernel.quantities import MicroKwh
from domain.metering.tables import Direction
from domain.sharing.inputs import Inputs
from domain.sharing.tables import AllocationDay, AllocationRun, MemberAllocation

# A member's totals by side, and the column of `AllocationDay` that each adds up.
TOTALS = {
    Direction.WITHDRAWN: {
        "withdrawn_ukwh": "metered_ukwh",
        "traded_in_ukwh": "traded_ukwh",
        "shared_in_ukwh": "shared_ukwh",
    },
    Direction.INJECTED: {
        "injected_ukwh": "metered_ukwh",
        "traded_out_ukwh": "traded_ukwh",
        "shared_out_ukwh": "shared_ukwh",
    },
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a solver found; columns as in the inputs. Shared in and out add up to the same in each interval."""

    shared_in_ukwh: MicroKwh  # shape (intervals, consumers)
    shared_out_ukwh: MicroKwh  # shape (intervals, producers)


async def record_run(session: AsyncSession, inputs: Inputs, result: Result, *, job_id: UUID | None, actor: str) -> UUID:
    """Store a result as the next version, or find the run that the same inputs gave before."""
    await session.execute(select(Community.id).where(Community.id == inputs.community_id).with_for_update())
    version, same = await _earlier_runs(session, inputs)
    if same is not None:
        return same
    run = AllocationRun(
        id=new_id(),
        community_id=inputs.community_id,
        period_start=inputs.period.start,
        period_end=inputs.period.end,
        version=version,
        key_id=inputs.key.id,
        interval_minutes=inputs.interval_minutes,
        input_digest=inputs.digest,
        injected_ukwh=int(inputs.production.participating_ukwh().sum()),
        withdrawn_ukwh=int(inputs.consumption.participating_ukwh().sum()),
        traded_out_ukwh=int(inputs.production.participating_traded_ukwh().sum()),
        traded_in_ukwh=int(inputs.consumption.participating_traded_ukwh().sum()),
        shared_ukwh=int(result.shared_in_ukwh.sum()),
        job_id=job_id,
    )
    session.add(run)
    await session.flush()
    days = list(_days(inputs, result, run.id))
    for start in range(0, len(days), 2_000):
        await session.execute(insert(AllocationDay), days[start : start + 2_000])
    await session.execute(insert(MemberAllocation), _totals(run, days))
    facts = {"version": version, "digest": inputs.digest, "shared_ukwh": run.shared_ukwh}
    await entries.record(
        session,
        "allocation.record",
        actor=actor,
        subject=("AllocationRun", run.id),
        scope_id=inputs.community_id,
        facts=facts,
    )
    return run.id


async def _earlier_runs(session: AsyncSession, inputs: Inputs) -> tuple[int, UUID | None]:
    """The next version, and the newest run if its inputs were the same."""
    query = (
        select(AllocationRun.id, AllocationRun.version, AllocationRun.input_digest)
        .where(AllocationRun.community_id == inputs.community_id)
        .where(AllocationRun.period_start == inputs.period.start, AllocationRun.period_end == inputs.period.end)
        .order_by(AllocationRun.version.desc())
        .limit(1)
    )
    newest = (await session.execute(query)).one_or_none()
    if newest is None:
        return 1, None
    return newest.version + 1, newest.id if newest.input_digest == inputs.digest else None


def _days(inputs: Inputs, result: Result, run_id: UUID) -> list[dict[str, object]]:
    """A row for each point, direction and local day on which it takes part."""
    ends = np.cumsum([0, *(intervals_in_day(day, inputs.zone, inputs.interval_minutes) for day in inputs.holders.days)])
    rows: list[dict[str, object]] = []
    for direction, side, shared in (
        (Direction.WITHDRAWN, inputs.consumption, result.shared_in_ukwh),
        (Direction.INJECTED, inputs.production, result.shared_out_ukwh),
    ):
        metered, traded = side.participating_ukwh(), side.participating_traded_ukwh()
        for column, point in enumerate(side.metering_point_ids):
            for day, (start, end) in zip(inputs.holders.days, pairwise(ends), strict=True):
                member = inputs.holders.member_of.get((point, day))
                if member is not None:
                    taken = traded[start:end, column]
                    rows.append(
                        {
                            "run_id": run_id,
                            "metering_point_id": point,
                            "direction": direction,
                            "day": day,
                            "member_id": member,
                            "metered_ukwh": metered[start:end, column].tolist(),
                            "traded_ukwh": taken.tolist() if taken.any() else None,
                            "shared_ukwh": shared[start:end, column].tolist(),
                        }
                    )
    return rows


def _totals(run: AllocationRun, days: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """A row of totals for each member."""
    sums: dict[object, dict[str, int]] = {}
    names = [name for side in TOTALS.values() for name in side]
    for row in days:
        of_member = sums.setdefault(row["member_id"], dict.fromkeys(names, 0))
        for total, column in TOTALS[row["direction"]].items():  # type: ignore[index]
            of_member[total] += sum(row[column] or ())  # type: ignore[call-overload]
    head = {"run_id": run.id, "community_id": run.community_id}
    return [{"id": new_id(), **head, "member_id": member, **totals} for member, totals in sums.items()]
