"""The job that allocates a period: read, solve, record."""

from datetime import datetime
from uuid import UUID

import numpy as np

from api.jobs.work import Work, job
from api.sharing.keys import solver_key
from domain.kernel.intervals import Period
from domain.market.delivery import traded
from domain.market.delivery.traded import Trading
from domain.metering.tables import Direction
from domain.sharing import allocations, operators
from domain.sharing.allocations import Result
from domain.sharing.inputs import Inputs, check_period, less_traded, read_inputs
from domain.sharing.words import ALLOCATE_PERIOD
from solver.sharing.allocations import allocate
from solver.sharing.keys import luxembourg
from solver.sharing.problems import AllocationProblem


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
    inputs, result = await work.solve(solve_after_trades, metered, trading)
    await work.report(0.6, "Recording the allocation.")
    async with work.recording("AllocationRun") as recording:
        recording.result_id = await allocations.record_run(
            recording.session, inputs, result, job_id=work.id, actor=work.arguments["actor"]
        )
        await operators.record_differences(recording.session, recording.result_id)


def solve_after_trades(metered: Inputs, trading: Trading) -> tuple[Inputs, Result]:
    """Take off what was traded, and share the rest. Raises DeliveriesWaiting."""
    inputs = less_traded(metered, traded.by_point(trading))
    return inputs, solve(inputs)


def solve(inputs: Inputs) -> Result:
    """Share the energy by the community's key. Ties go by the points' ids, so that their order plays no part."""
    consumers, producers = inputs.consumption, inputs.production
    received_by = solver_key(inputs.key.kind, inputs.key, Direction.WITHDRAWN, consumers.metering_point_ids)
    problem = AllocationProblem(
        withdrawn_ukwh=consumers.left_ukwh,
        injected_ukwh=producers.left_ukwh,
        consumption_key=luxembourg(received_by) if inputs.all_covered_when_enough else received_by,
        production_key=solver_key(
            inputs.key.production_kind, inputs.key, Direction.INJECTED, producers.metering_point_ids
        ),
        consumer_tie_break=_by_id(consumers.metering_point_ids),
        producer_tie_break=_by_id(producers.metering_point_ids),
        withdrawn_participation_ppm=consumers.factor_ppm,
        injected_participation_ppm=producers.factor_ppm,
    )
    allocation = allocate(problem)
    return Result(allocation.shared_in_ukwh, allocation.shared_out_ukwh)


def _by_id(points: tuple[UUID, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The rank of each point's id."""
    ranks = np.empty(len(points), dtype=np.int64)
    ranks[sorted(range(len(points)), key=lambda n: points[n])] = np.arange(len(points))
    return ranks
