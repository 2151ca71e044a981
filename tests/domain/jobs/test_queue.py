"""Jobs are handed out until done, held by one worker, and end once."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid.words import MEASURE_GRID
from domain.jobs import queue
from domain.jobs.tables import Job, JobKind, JobStatus
from domain.jobs.words import VERIFY
from domain.kernel.database import new_id
from domain.ledger.words import SUBMIT_PAYMENT
from domain.market.clearing.words import CLEAR_MARKET
from domain.market.delivery.words import SETTLE_DELIVERIES
from domain.notifications.words import DELIVER_NOTIFICATIONS
from domain.sharing.words import ALLOCATE_PERIOD


async def asked(session: AsyncSession, key: str = "work") -> UUID:
    return await queue.enqueue(session, ALLOCATE_PERIOD, key, {"n": 1})


async def let_time_pass(session: AsyncSession, job_id: UUID) -> None:
    """As if lease and hand-out had run out."""
    past = func.now() - timedelta(seconds=1)
    await session.execute(update(Job).where(Job.id == job_id).values(lease_until=past, dispatch_after=past))


async def status_of(session: AsyncSession, job_id: UUID) -> JobStatus:
    return (await session.execute(select(Job.status).where(Job.id == job_id))).scalar_one()


async def test_the_same_key_asks_for_the_same_work(session: AsyncSession) -> None:
    assert await asked(session) == await asked(session)


async def test_repeatable_work_is_one_job_while_open_and_a_new_one_afterwards(session: AsyncSession) -> None:
    first = await queue.enqueue_again(session, ALLOCATE_PERIOD, "again", {})
    assert await queue.enqueue_again(session, ALLOCATE_PERIOD, "again", {}) == first

    await queue.cancel(session, first, actor="test")

    assert await queue.enqueue_again(session, ALLOCATE_PERIOD, "again", {}) != first


async def test_a_job_is_handed_out_again_only_when_it_was_lost(session: AsyncSession) -> None:
    job_id = await asked(session)

    assert [due.id for due in await queue.take_due(session, 10)] == [job_id]
    assert await queue.take_due(session, 10) == []
    await let_time_pass(session, job_id)
    assert [due.id for due in await queue.take_due(session, 10)] == [job_id]


async def test_one_worker_holds_a_job_until_its_lease_runs_out(session: AsyncSession) -> None:
    job_id = await asked(session)

    first = await queue.start(session, job_id)
    assert first is not None
    assert await queue.start(session, job_id) is None
    await let_time_pass(session, job_id)
    again = await queue.start(session, job_id)

    assert again is not None
    assert again.attempts == 2
    assert not await queue.renew(session, job_id, attempt=1)
    assert await queue.renew(session, job_id, attempt=2)


async def test_a_job_ends_once(session: AsyncSession) -> None:
    job_id = await asked(session)
    await queue.start(session, job_id)
    await queue.succeed(session, job_id, None)

    with pytest.raises(queue.JobCancelled):
        await queue.succeed(session, job_id, None)
    await queue.fail(session, job_id, "LATE", "too late")
    assert await status_of(session, job_id) is JobStatus.SUCCEEDED
    assert await queue.start(session, job_id) is None
    with pytest.raises(queue.JobFinished):
        await queue.cancel(session, job_id, actor="test")


async def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_report(session: AsyncSession) -> None:
    waiting, running = await asked(session, "waiting"), await asked(session, "running")
    await queue.start(session, running)

    await queue.cancel(session, waiting, actor="test")
    await queue.cancel(session, running, actor="test")

    assert await status_of(session, waiting) is JobStatus.CANCELLED
    assert await status_of(session, running) is JobStatus.RUNNING
    with pytest.raises(queue.JobCancelled):
        await queue.report(session, running, 0.5, "half")
    assert not await queue.renew(session, running, attempt=1)
    await queue.mark_cancelled(session, running)
    assert await status_of(session, running) is JobStatus.CANCELLED


async def test_a_job_that_never_ends_is_given_up(session: AsyncSession) -> None:
    job_id = await asked(session)
    for _ in range(5):
        assert await queue.start(session, job_id) is not None
        await let_time_pass(session, job_id)

    assert await queue.start(session, job_id) is None

    assert await status_of(session, job_id) is JobStatus.FAILED


async def test_an_outage_gives_the_job_back_with_growing_delay(session: AsyncSession) -> None:
    job_id = await asked(session)
    await queue.start(session, job_id)

    await queue.retry_later(session, job_id, "down")

    job = await session.get_one(Job, job_id, populate_existing=True)
    assert (job.status, job.lease_until, job.attempts) == (JobStatus.QUEUED, None, 1)
    assert await queue.take_due(session, 10) == []


async def in_turn(session: AsyncSession) -> set[UUID]:
    return {due.id for due in await queue.take_due(session, 500)}


async def test_of_one_owner_one_job_is_handed_out_and_nobody_else_waits_for_the_rest(session: AsyncSession) -> None:
    greedy, other = new_id(), new_id()
    many = [
        await queue.enqueue(session, ALLOCATE_PERIOD, f"greedy:{number}", {}, owner_id=greedy) for number in range(600)
    ]
    others = {await queue.enqueue(session, ALLOCATE_PERIOD, "other", {}, owner_id=other), await asked(session)}

    first = await in_turn(session)

    assert len(first & set(many)) == 1
    assert first - set(many) == others
    assert await in_turn(session) == set()


async def test_an_owners_next_job_is_handed_out_when_the_one_before_has_ended(session: AsyncSession) -> None:
    owner = new_id()
    ids = {await queue.enqueue(session, ALLOCATE_PERIOD, f"one:{number}", {}, owner_id=owner) for number in range(3)}
    order = []

    while due := await in_turn(session):
        (job_id,) = due
        order.append(job_id)
        assert await queue.start(session, job_id) is not None
        assert await in_turn(session) == set()
        await queue.succeed(session, job_id, None)

    assert set(order) == ids


async def test_a_cancelled_job_makes_room_for_its_owners_next(session: AsyncSession) -> None:
    owner = new_id()
    for number in range(2):
        await queue.enqueue(session, ALLOCATE_PERIOD, f"one:{number}", {}, owner_id=owner)
    (first,) = await in_turn(session)

    await queue.cancel(session, first, actor="test")

    assert len(await in_turn(session)) == 1


def test_what_users_ask_for_has_a_lane_of_its_own_and_so_have_payments_deliveries_and_messages() -> None:
    def lane(kind: JobKind, *, is_asked: bool = False) -> str:
        return queue.Due(new_id(), kind, 0, is_asked).lane

    of_platform = [SUBMIT_PAYMENT, SETTLE_DELIVERIES, DELIVER_NOTIFICATIONS, CLEAR_MARKET, MEASURE_GRID]

    assert lane(ALLOCATE_PERIOD, is_asked=True) == lane(VERIFY, is_asked=True) == queue.ASKED
    assert len({lane(kind) for kind in of_platform} | {queue.ASKED}) == 6
