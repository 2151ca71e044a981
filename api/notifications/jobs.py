"""Make messages of notices, and deliver what is due."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.notifications.delivering import deliver_round, ways
from api.resources import clock
from api.resources.settings import settings
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import among
from domain.notifications import deliveries, feeds, making
from domain.notifications.words import DELIVER_NOTIFICATIONS

NOTICES_AT_ONCE = 500
LONGEST = timedelta(seconds=60)  # Then the job ends and the next one goes on, so that long work gets its turn.


@periodic
async def make_messages(session: AsyncSession) -> None:
    """Make messages of the notices that other contexts left."""
    await making.take_notices(session, now=clock.now(), limit=NOTICES_AT_ONCE)


@periodic
async def schedule_deliveries(session: AsyncSession) -> None:
    """Ask for deliveries where any are due and nobody is at it."""
    await schedule(session, now=clock.now())


async def schedule(session: AsyncSession, *, now: datetime) -> None:
    """One job at a time; two that were asked for together do no harm, as each attempt is handed out once."""
    if not (await deliveries.are_due(session, now=now) or await feeds.are_due(session, now=now)):
        return
    kind, open_ = DELIVER_NOTIFICATIONS, (JobStatus.QUEUED, JobStatus.RUNNING)
    waiting = await session.scalars(select(Job.id).where(among(Job.status, open_), Job.kind == kind).limit(1))
    if waiting.first() is None:
        await queue.enqueue(session, kind, f"deliver:{now.isoformat()}", {})


@job(DELIVER_NOTIFICATIONS)
async def deliver_notifications(work: Work) -> None:
    """Deliver until nothing is due, for a minute at most. What a dead worker held is due again after its lease."""
    sending, until = ways(settings()), clock.now() + LONGEST
    while clock.now() < until and await deliver_round(work.database, sending):
        pass
    async with work.recording():
        pass
