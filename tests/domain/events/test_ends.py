"""Ends of work are counted once each, whoever ends it, and whatever becomes of the work afterwards."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import ends
from domain.events.ends import Failure
from domain.events.tables import WorkEnded
from domain.grid.words import MEASURE_GRID
from domain.jobs import queue


async def job_counts(session: AsyncSession) -> dict[str, int]:
    return {row.outcome: row.times for row in await ends.counts(session) if row.work == "job"}


async def test_each_end_of_a_job_counts_once(session: AsyncSession) -> None:
    before = await job_counts(session)
    ids = [await queue.enqueue(session, MEASURE_GRID, f"count {each}", {}) for each in range(3)]
    for job_id in ids[:2]:
        await queue.start(session, job_id)
    await queue.report(session, ids[0], 0.5, "on its way")
    await queue.succeed(session, ids[0], None)
    await queue.fail(session, ids[1], "NoCapacity", "There is none.")
    await queue.fail(session, ids[1], "NoCapacity", "There is none.")
    await queue.cancel(session, ids[2], actor="test")

    after = await job_counts(session)

    assert {end: count - before.get(end, 0) for end, count in after.items()} == {
        "SUCCEEDED": 1,
        "FAILED": 1,
        "CANCELLED": 1,
    }


async def test_adding_up_leaves_every_count_as_it_is(session: AsyncSession) -> None:
    made = "SELECT 'job', 'K' || n % 3, 'FAILED' FROM generate_series(1, :n) n"
    many = f"INSERT INTO work_ended (work, kind, outcome) {made}"
    await session.execute(text(many), {"n": ends.ADDED_UP_FROM})
    before = sorted(await ends.counts(session))

    await ends.add_up(session)

    assert sorted(await ends.counts(session)) == before
    rows = (await session.execute(select(func.count()).select_from(WorkEnded))).scalar_one()
    assert rows == len(before), "one row for each count"


@pytest.mark.parametrize(
    ("given", "told"), [("DECLINED", "DECLINED"), ("Mario Rossi has no account", "OTHER"), ("", "OTHER")]
)
async def test_reasons_are_codes(session: AsyncSession, given: str, told: str) -> None:
    ends.failed(session, Failure("payment", "DEPOSIT", None, given))

    assert [failure.reason for failure in ends.told(session.info)] == [told]
    assert ends.told(session.info) == (), "told once"
