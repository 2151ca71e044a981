"""Carry out one job: hold its lease, keep its time limit, record how it ended."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.resources import failures
from api.resources.database import Database
from api.transport.terms.errors import reason_of
from domain.jobs import queue
from domain.jobs.tables import Job, JobKind
from domain.kernel.errors import DomainError

T = TypeVar("T")
logger = logging.getLogger("commonwatt.jobs")
RENEW_S = queue.LEASE.total_seconds() / 3


class Work:
    """What a job function may do: read, solve off the event loop, report, and record with the job's end."""

    def __init__(self, database: Database, job: Job) -> None:
        self.database = database
        self.id = job.id
        self.arguments: dict[str, Any] = job.arguments
        self.attempt = job.attempts
        self.is_ended = False

    async def report(self, progress: float, message: str) -> None:
        """Say how far it is, 0 to 1. Raises JobCancelled."""
        async with self.database.transaction() as session:
            await queue.report(session, self.id, progress, message)

    async def solve(self, solver: Callable[..., T], *arguments: Any) -> T:
        """Run a pure function in a thread (`turns` says why): it holds neither a transaction nor the event loop."""
        return await asyncio.to_thread(solver, *arguments)

    @asynccontextmanager
    async def recording(self, result_type: str | None = None) -> AsyncIterator["Recording"]:
        """The transaction that records a result and ends the job, both or neither."""
        async with self.database.transaction() as session:
            recording = Recording(session)
            yield recording
            made = recording.result_id
            await queue.succeed(session, self.id, (result_type, made) if result_type and made else None)
        self.is_ended = True


class Recording:
    """The last transaction of a job; `result_id` is set to what it made."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.result_id: UUID | None = None


JobFunction = Callable[[Work], Awaitable[None]]
FUNCTIONS: dict[JobKind, JobFunction] = {}


def job(kind: JobKind) -> Callable[[JobFunction], JobFunction]:
    """Register the function that carries out a kind of job."""

    def register(function: JobFunction) -> JobFunction:
        FUNCTIONS[kind] = function
        return function

    return register


async def carry_out(database: Database, job_id: UUID) -> None:
    """Run a job if it is to be had; every end is recorded, and an outage gives it back for later."""
    async with database.transaction() as session:
        taken = await queue.start(session, job_id)
    if taken is None:
        return
    work = Work(database, taken)
    try:
        async with asyncio.timeout(taken.time_limit_s), _lease(work):
            await FUNCTIONS[taken.kind](work)
        if not work.is_ended:
            raise RuntimeError(f"{taken.kind} ended without recording")
    except queue.JobCancelled:
        await _record(database, queue.mark_cancelled, job_id)
    except DomainError as error:
        await _record(database, queue.fail, job_id, type(error).__name__, error.message)
    except Exception as error:
        if failures.is_outage(error):
            logger.warning("jobs wait: %s", reason_of(error))
            _alert(taken)
            await _record(database, queue.retry_later, job_id, "A service was down; trying again.")
        elif isinstance(error, TimeoutError):
            message = f"The time limit of {taken.time_limit_s} s was reached."
            await _record(database, queue.fail, job_id, "TIME_LIMIT", message)
        else:
            logger.exception("job %s failed", job_id)
            _alert(taken)
            await _record(database, queue.retry_later, job_id, "Unexpected error; trying again.")


def _alert(taken: Job) -> None:
    """Call an operator once a job has failed so often that it will not mend by itself; its gauge stands meanwhile."""
    if taken.attempts >= queue.ALERTING_ATTEMPTS:
        logger.critical("%s job %s failed %d times: look at it", taken.kind, taken.id, taken.attempts)


@asynccontextmanager
async def _lease(work: Work) -> AsyncIterator[None]:
    """Renew the lease; when it is lost (cancelled or taken over), stop what is going on. Raises JobCancelled."""
    running = asyncio.current_task()
    is_lost = False

    async def renew() -> None:
        nonlocal is_lost
        while True:
            await asyncio.sleep(RENEW_S)
            held = True
            with contextlib.suppress(*failures.RAISED):  # While the database is away, nobody else can take the job.
                async with work.database.transaction() as session:
                    held = await queue.renew(session, work.id, work.attempt)
            if not held and not work.is_ended:
                is_lost = True
                assert running is not None
                running.cancel()
                return

    renewing = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if is_lost:
            raise queue.JobCancelled from None
        raise
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing


async def _record(database: Database, end: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    """Record an end; if the database is down, the lease runs out and the job is handed out again."""
    try:
        async with database.transaction() as session:
            await end(session, *arguments)
    except failures.RAISED as error:
        logger.warning("ends of jobs cannot be recorded: %s", reason_of(error))
