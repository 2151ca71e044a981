"""Jobs reach a worker, and survive the loss of a worker and of Redis within ten seconds."""

import asyncio
import contextlib
import gc
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from api.jobs import transport, work
from api.processes import relay
from api.resources.database import Database, connect
from domain.jobs import queue
from domain.jobs.tables import Job, JobKind, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue
from domain.sharing.words import ALLOCATE_PERIOD

WITHIN_S = 10.0


@dataclass
class Running:
    """A relay and, when asked for, a worker, both in this process."""

    database: Database
    redis_url: str
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start_worker(
        self, at_once: int = 2, until: asyncio.Event | None = None, stop_s: float = 1
    ) -> asyncio.Task[None]:
        async def run(job_id: UUID) -> None:
            await work.carry_out(self.database, job_id)

        task = asyncio.create_task(
            transport.serve(self.redis_url, run, at_once=at_once, until=until or asyncio.Event(), stop_s=stop_s)
        )
        self.tasks.append(task)
        return task

    def start_relay(self) -> None:
        async def relaying() -> None:
            carrier = await transport.connect(self.redis_url)
            try:
                while True:
                    await relay.relay_once(self.database, carrier)
                    await asyncio.sleep(0.1)
            finally:
                await carrier.aclose(close_connection_pool=True)

        self.tasks.append(asyncio.create_task(relaying()))

    async def ask(self, kind: JobKind = ALLOCATE_PERIOD, time_limit_s: int = 60) -> UUID:
        async with self.database.transaction() as session:
            return await queue.enqueue(session, kind, f"test:{time.monotonic_ns()}", {}, time_limit_s=time_limit_s)

    async def job(self, job_id: UUID) -> Job:
        async with self.database.sessions() as session:
            return (await session.scalars(select(Job).where(Job.id == job_id))).one()

    async def ended(self, job_id: UUID) -> Job:
        async with asyncio.timeout(WITHIN_S):
            while (job := await self.job(job_id)).status not in queue.FINAL:
                await asyncio.sleep(0.05)
        return job

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


@pytest.fixture
async def running(fresh_database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(relay, "PERIODIC", [])
    database = connect(fresh_database, role="commonwatt_app", pool=10)
    started = Running(database, redis_url)
    started.start_relay()
    yield started
    await started.stop()
    await database.close()
    with warnings.catch_warnings():
        # Workers that end in the midst of something leave connections behind; no later test shall hear of them.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def doing(monkeypatch: pytest.MonkeyPatch, function: Callable[[work.Work], Awaitable[None]]) -> None:
    monkeypatch.setitem(work.FUNCTIONS, ALLOCATE_PERIOD, function)


async def record_at_once(job: work.Work) -> None:
    await job.report(0.5, "half")
    async with job.recording():
        pass


async def test_a_job_is_done_with_its_progress_announced(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    doing(monkeypatch, record_at_once)
    running.start_worker()

    job = await running.ended(await running.ask())

    assert (job.status, job.progress, job.attempts) == (JobStatus.SUCCEEDED, 1.0, 1)


async def test_a_job_survives_the_death_of_its_worker(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt never comes back and never renews its lease, as after kill -9."""
    started = asyncio.Event()

    async def die_first(job: work.Work) -> None:
        if job.attempt == 1:
            started.set()
            await asyncio.sleep(3600)
        await record_at_once(job)

    doing(monkeypatch, die_first)
    monkeypatch.setattr(work, "RENEW_S", 3600.0)
    running.start_worker()
    job_id = await running.ask()
    await started.wait()

    job = await running.ended(job_id)

    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 2)


@pytest.mark.parametrize(("takes_s", "attempts"), [(0.5, 1), (3600.0, 2)])
async def test_a_worker_that_is_told_to_end_finishes_its_job_or_leaves_it_to_another(
    running: Running, monkeypatch: pytest.MonkeyPatch, takes_s: float, attempts: int
) -> None:
    started, told = asyncio.Event(), asyncio.Event()

    async def take_long_first(job: work.Work) -> None:
        started.set()
        await asyncio.sleep(takes_s if job.attempt == 1 else 0)
        await record_at_once(job)

    doing(monkeypatch, take_long_first)
    ending = running.start_worker(until=told, stop_s=1)
    job_id = await running.ask()
    await started.wait()
    told.set()
    async with asyncio.timeout(3):
        await ending
    running.start_worker()

    job = await running.ended(job_id)

    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, attempts)


async def test_a_job_is_done_where_the_sender_is_ahead_and_the_worker_behind(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, skew_s in (("arq.connections", 3_660), ("arq.worker", -3_600)):
        monkeypatch.setattr(f"{module}.timestamp_ms", lambda skew_s=skew_s: int((time.time() + skew_s) * 1_000))
    doing(monkeypatch, record_at_once)
    running.start_worker()

    job = await running.ended(await running.ask())

    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 1)


async def test_jobs_reach_a_worker_in_the_order_in_which_they_were_asked_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[UUID] = []

    async def note(job: work.Work) -> None:
        done.append(job.id)
        await record_at_once(job)

    doing(monkeypatch, note)
    monkeypatch.setattr(queue, "REDISPATCH", timedelta(minutes=1))  # Each is handed out once.
    asked = [await running.ask() for _ in range(6)]
    await asyncio.sleep(0.5)  # The relay has handed them out.
    running.start_worker(at_once=1)
    for job_id in asked:
        await running.ended(job_id)

    assert done == asked


async def test_a_job_survives_the_loss_of_redis(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    doing(monkeypatch, record_at_once)
    job_id = await running.ask()
    await asyncio.sleep(0.5)  # The relay has handed it out; nobody has taken it.
    redis = Redis.from_url(running.redis_url)
    await redis.flushall()
    await redis.aclose()
    running.start_worker()

    assert (await running.ended(job_id)).status is JobStatus.SUCCEEDED


async def test_jobs_of_a_time_that_was_undone_or_is_over_are_passed_over(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Redis has them after the database was restored to a moment before them, or to one after them."""
    done: list[UUID] = []

    async def note(job: work.Work) -> None:
        done.append(job.id)
        await record_at_once(job)

    doing(monkeypatch, note)
    over = running.start_worker(at_once=1)
    first = await running.ask()
    await running.ended(first)
    carrier = await transport.connect(running.redis_url)
    for job_id, attempt in ((new_id(), 0), (first, 0), (first, 7)):
        await transport.send(carrier, queue.Due(job_id, ALLOCATE_PERIOD, attempt))
    await carrier.aclose(close_connection_pool=True)

    second = await running.ask()

    assert (await running.ended(second)).status is JobStatus.SUCCEEDED
    assert done == [first, second]
    assert not over.done()


async def test_a_refusal_ends_a_job_with_its_reason(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(job: work.Work) -> None:
        raise InvalidValue(("period",), "The period is odd.")

    doing(monkeypatch, refuse)
    running.start_worker()

    job = await running.ended(await running.ask())

    assert (job.status, job.error_code, job.error_message) == (JobStatus.FAILED, "InvalidValue", "The period is odd.")


async def test_a_job_ends_at_its_time_limit(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dawdle(job: work.Work) -> None:
        await asyncio.sleep(3600)

    doing(monkeypatch, dawdle)
    running.start_worker()

    job = await running.ended(await running.ask(time_limit_s=1))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "TIME_LIMIT")


async def test_a_running_job_is_cancelled(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()

    async def dawdle(job: work.Work) -> None:
        started.set()
        await asyncio.sleep(3600)

    doing(monkeypatch, dawdle)
    monkeypatch.setattr(work, "RENEW_S", 0.2)
    running.start_worker()
    job_id = await running.ask()
    await started.wait()
    async with running.database.transaction() as session:
        await queue.cancel(session, job_id, actor="test")

    assert (await running.ended(job_id)).status is JobStatus.CANCELLED


async def test_an_unexpected_error_is_tried_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail_first(job: work.Work) -> None:
        if job.attempt == 1:
            raise RuntimeError("a bug")
        await record_at_once(job)

    doing(monkeypatch, fail_first)
    running.start_worker()

    job = await running.ended(await running.ask())

    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 2)
