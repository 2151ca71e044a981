"""Ask for work, hand it out, hold it by a lease and record how it ended.

Decision, 2026-11-30: of the jobs that one user asked for, one is handed out at a time, in a lane of their own. 1,500
allocations of one administrator kept the measurement of the grid for 42 s. Weighed: priorities in one lane would let
the platform's jobs pass, but one user's still keep another's, and a long one could not be passed once it runs. A job
that waits to be tried again keeps its owner's next one for so long, and nobody else's.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, any_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import ends, feed
from domain.events.ends import Failure
from domain.jobs.tables import OF_OWNERS_OPEN, Job, JobKind, JobStatus
from domain.kernel.database import among
from domain.kernel.errors import DomainError

LEASE = timedelta(seconds=6)
REDISPATCH = timedelta(seconds=4)
OF_OWNER_AT_ONCE = 1
ATTEMPTS_AGAIN = 5  # Of a job that is repeated.
ASKED = "asked"  # The lane of what users ask for, unless its kind has one of its own.
ALERTING_ATTEMPTS = 3  # A job that failed so often calls an operator, and what it does in common for many is parted.
FINAL = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class JobFinished(DomainError):
    """The job has ended, so it cannot be cancelled."""

    def __init__(self, job_id: UUID, status: JobStatus) -> None:
        super().__init__(f"The job has already ended: {status.value.lower()}.")
        self.job_id = job_id
        self.status = status


class JobCancelled(DomainError):
    """Raised inside a running job once its cancellation was asked for."""

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")


@dataclass(frozen=True, slots=True)
class Due:
    """A job that the relay may hand to the queue now."""

    id: UUID
    kind: JobKind
    attempt: int
    is_asked: bool = False

    @property
    def lane(self) -> str:
        """What it waits in."""
        return ASKED if self.is_asked and self.kind.lane == JobKind.lane else self.kind.lane


def stream_of(job_id: UUID) -> str:
    """The event stream on which a job's progress is announced."""
    return f"job:{job_id}"


async def enqueue(
    session: AsyncSession,
    kind: JobKind,
    key: str,
    arguments: dict[str, Any],
    *,
    owner_id: UUID | None = None,
    community_id: UUID | None = None,
    time_limit_s: int = 300,
    delay: timedelta = timedelta(0),
) -> UUID:
    """Ask for work in the caller's transaction, to begin after a delay; the same key gives the same job.

    Returns the job's id.
    """
    added = (
        insert(Job)
        .values(
            kind=kind,
            key=key,
            arguments=arguments,
            owner_id=owner_id,
            community_id=community_id,
            time_limit_s=time_limit_s,
            dispatch_after=func.now() + delay,
        )
        .on_conflict_do_nothing(index_elements=[Job.key])
        .returning(Job.id)
    )
    job_id = (await session.execute(added)).scalar_one_or_none()
    if job_id is None:
        return (await session.execute(select(Job.id).where(Job.key == key))).scalar_one()
    await session.execute(text(f"NOTIFY {feed.WAKE_CHANNEL}"))
    return job_id


async def enqueue_again(
    session: AsyncSession, kind: JobKind, name: str, arguments: dict[str, Any], **options: Any
) -> UUID:
    """Ask for work that may be wanted again later: the open job of this name if there is one, else a new one."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    like = Job.key.startswith(f"{name}#", autoescape=True)
    query = select(func.count(), func.count().filter(Job.status.not_in(FINAL))).where(like)
    asked, is_open = (await session.execute(query)).one()
    return await enqueue(session, kind, f"{name}#{asked if is_open else asked + 1}", arguments, **options)


async def take_due(session: AsyncSession, limit: int) -> list[Due]:
    """Jobs to hand out now: new ones, and those whose hand-out or lease ran out; of each owner the oldest open one.

    The relay's commit confirms.
    """
    lost = or_(Job.status == JobStatus.QUEUED, Job.lease_until < func.now())
    open_status = Job.status.in_([JobStatus.QUEUED, JobStatus.RUNNING])
    query = (
        select(Job.id, Job.kind, Job.attempts, Job.owner_id.is_not(None))
        .where(
            open_status, lost, Job.dispatch_after <= func.now(), or_(Job.owner_id.is_(None), Job.id == any_(_in_turn()))
        )
        .order_by(Job.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [Due(*row) for row in await session.execute(query)]
    if due:
        ids = [job.id for job in due]
        await session.execute(update(Job).where(among(Job.id, ids)).values(dispatch_after=func.now() + REDISPATCH))
    return due


def _in_turn() -> ScalarSelect[UUID]:
    """Ids of the jobs that are their owner's next."""
    place = func.row_number().over(partition_by=Job.owner_id, order_by=(Job.created_at, Job.id)).label("place")
    placed = select(Job.id, place).where(text(OF_OWNERS_OPEN)).subquery()
    return select(placed.c.id).where(placed.c.place <= OF_OWNER_AT_ONCE).scalar_subquery()


async def start(session: AsyncSession, job_id: UUID) -> Job | None:
    """Take a job for the calling worker, or None when it has ended or another worker holds it."""
    job = await session.get(Job, job_id, with_for_update=True, populate_existing=True)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    if job is None or job.status in FINAL or (job.lease_until is not None and job.lease_until > now):
        return None
    if job.cancel_requested_at is not None:
        await _finish(session, job, JobStatus.CANCELLED)
        return None
    if job.attempts >= job.attempts_max:
        await fail(session, job_id, "ATTEMPTS_EXHAUSTED", f"The job was tried {job.attempts} times without an end.")
        return None
    job.attempts += 1
    job.status, job.lease_until = JobStatus.RUNNING, now + LEASE
    job.started_at = job.started_at or now
    await _announce(session, job)
    return job


async def renew(session: AsyncSession, job_id: UUID, attempt: int) -> bool:
    """Keep the lease. False when the job is no longer this attempt's: cancelled, ended or taken over."""
    renewed = (
        update(Job)
        .where(Job.id == job_id, Job.attempts == attempt, Job.status == JobStatus.RUNNING)
        .where(Job.cancel_requested_at.is_(None))
        .values(lease_until=func.clock_timestamp() + LEASE)
        .returning(Job.id)
    )
    return (await session.execute(renewed)).scalar_one_or_none() is not None


async def report(session: AsyncSession, job_id: UUID, progress: float, message: str) -> None:
    """Record progress (0 to 1) with a sentence, and announce it. Raises JobCancelled once that was asked for."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.cancel_requested_at is not None or job.status in FINAL:
        raise JobCancelled
    job.progress, job.message = progress, message
    await _announce(session, job)


async def succeed(session: AsyncSession, job_id: UUID, result: tuple[str, UUID] | None) -> None:
    """End a job with the thing it made, in the transaction that made it. Raises JobCancelled when it lost the race."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.status is not JobStatus.RUNNING:
        raise JobCancelled
    job.progress, job.message = 1.0, "Done."
    if result is not None:
        job.result_type, job.result_id = result
    await _finish(session, job, JobStatus.SUCCEEDED)


async def fail(session: AsyncSession, job_id: UUID, code: str, message: str) -> None:
    """End a job with the reason why it cannot be done."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.status in FINAL:
        return
    job.error_code, job.error_message = code, message
    await _finish(session, job, JobStatus.FAILED)
    ends.failed(session, Failure("job", job.kind.value, job_id, code, job.community_id))


async def retry_later(session: AsyncSession, job_id: UUID, message: str) -> None:
    """Give a job back after an outage, to be handed out again with a growing delay (1, 2, 4 ... 60 s)."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.status in FINAL:
        return
    if job.attempts >= job.attempts_max:
        await fail(session, job_id, "ATTEMPTS_EXHAUSTED", message)
        return
    delay = timedelta(seconds=min(60, 2 ** (job.attempts - 1)))
    job.status, job.lease_until, job.message = JobStatus.QUEUED, None, message
    job.dispatch_after = (await session.execute(select(func.clock_timestamp()))).scalar_one() + delay
    await _announce(session, job)


async def lock(session: AsyncSession, job_id: UUID) -> Job | None:
    """A job, held until commit."""
    return await session.get(Job, job_id, with_for_update=True, populate_existing=True)


async def retry(session: AsyncSession, job: Job) -> None:
    """Have a failed job done again, under its id and key; the caller holds it.

    Attempts are counted on, so that nobody who still works at an earlier one is taken for who holds the next.
    """
    assert job.status is JobStatus.FAILED, "only what failed is repeated"
    job.status, job.progress, job.message = JobStatus.QUEUED, 0.0, None
    job.error_code = job.error_message = job.finished_at = job.cancel_requested_at = None
    job.attempts_max = job.attempts + ATTEMPTS_AGAIN
    job.dispatch_after = (await session.execute(select(func.now()))).scalar_one()
    await _announce(session, job)


async def mark_cancelled(session: AsyncSession, job_id: UUID) -> None:
    """End a running job whose cancellation was asked for; one that another worker took over is left alone."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.status not in FINAL and job.cancel_requested_at is not None:
        await _finish(session, job, JobStatus.CANCELLED)


async def cancel(session: AsyncSession, job_id: UUID, *, actor: str) -> None:
    """Ask a job to stop: at once when it waits, at its next report when it runs. Raises JobFinished."""
    job = await session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.status in FINAL:
        raise JobFinished(job_id, job.status)
    job.cancel_requested_at = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    await entries.record(session, "job.cancel", actor=actor, subject=("Job", job_id), scope_id=job.community_id)
    if job.status is JobStatus.QUEUED:
        await _finish(session, job, JobStatus.CANCELLED)
    else:
        await _announce(session, job)


async def _finish(session: AsyncSession, job: Job, status: JobStatus) -> None:
    job.status, job.lease_until = status, None
    job.finished_at = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    await _announce(session, job)


async def _announce(session: AsyncSession, job: Job) -> None:
    await session.flush()
    await feed.append(session, stream_of(job.id), [{"status": job.status.value, "progress": job.progress}])
