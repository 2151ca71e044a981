"""The job that allocates a period: read, solve, record."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.sharing import bridge
from domain.aggregates import runs
from domain.kernel.intervals import Period
from domain.market.delivery import traded
from domain.sharing import allocations, operators
from domain.sharing.inputs import check_period, read_inputs
from domain.sharing.words import ALLOCATE_PERIOD

UNDECIDED_MAX = 20


@job(ALLOCATE_PERIOD)
async def allocate_period(work: Work) -> None:
    """Allocate what trades leave of a community's period; the same inputs again give the run that is there already."""
    community_id = UUID(work.arguments["community_id"])
    period = Period(*(datetime.fromisoformat(work.arguments[end]) for end in ("start", "end")))
    await work.report(0.05, "Reading the metered energy.")
    async with work.database.snapshot() as session:
        connection = await session.connection()
        await check_period(connection, community_id, period)
        metered = await read_inputs(connection, community_id, period)
        trading = await traded.read(session, metered.point_ids, period)
    await work.report(0.3, f"Sharing among {len(metered.consumption.metering_point_ids)} metering points.")
    inputs, result = await work.solve(bridge.solve_after_trades, metered, trading)
    await work.report(0.6, "Recording the allocation.")
    async with work.recording("AllocationRun") as recording:
        recording.result_id = await allocations.record_run(
            recording.session, inputs, result, job_id=work.id, actor=work.arguments["actor"]
        )
        await operators.record_differences(recording.session, recording.result_id)
        await runs.decide(recording.session, recording.result_id)


@periodic
async def decide_runs(session: AsyncSession) -> None:
    """Decide what members are told of runs of which that was not decided when they were made."""
    for run_id in await runs.undecided(session, UNDECIDED_MAX):
        await runs.decide(session, run_id)
