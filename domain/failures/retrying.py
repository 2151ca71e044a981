"""Repeat work that failed, once: what runs, has succeeded or was repeated already is left alone.

Work keeps its id and its key. Jobs may run twice without harm, and receivers know a message by its id, so a result is
never doubled. Each repetition is an entry of the audit log, in the chain of the job's community or the platform's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.events import feed
from domain.events.tables import EventStream, Notice
from domain.failures.work import is_key
from domain.jobs import queue
from domain.jobs.tables import JobStatus
from domain.kernel.errors import InvalidValue
from domain.notifications import deliveries, webhooks
from domain.notifications.webhooks import ReceiverEnded

IDS_MAX = 100


class NotRetried(StrEnum):
    """Why something was left alone."""

    NOT_FOUND = "NOT_FOUND"
    NOT_FAILED = "NOT_FAILED"
    RECEIVER_ENDED = "RECEIVER_ENDED"


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of a request: an id, and why it was left alone, or None where it will be done again."""

    id: str
    refused: NotRetried | None


Found = Act | NotRetried
Again = Callable[[AsyncSession, str, datetime], Awaitable[Found]]


async def retry(session: AsyncSession, ids: Sequence[str], *, actor: str, why: str, now: datetime) -> Sequence[Retried]:
    """Have work done again, and record that; tells of each id, in their order. Raises InvalidValue."""
    if not 1 <= len(ids) <= IDS_MAX:
        raise InvalidValue(("ids",), f"Name 1 to {IDS_MAX} pieces of work.")
    found: dict[str, Found] = {}
    for id in sorted(set(ids)):  # Two that ask for the same lock it in the same order.
        named, _, key = id.partition(":")
        if named not in AGAIN or not (named == "EventStream" or is_key(key)):
            raise InvalidValue(("ids",), "One of them is not the id of work that could fail.")
        found[id] = await AGAIN[named](session, key, now)
    acts = [
        replace(act, actor=actor, facts=act.facts | {"reason": why}) for act in found.values() if isinstance(act, Act)
    ]
    await entries.record_many(session, acts)
    if acts:
        await session.execute(text(f"NOTIFY {feed.WAKE_CHANNEL}"))
    return [Retried(id, act if isinstance(act, NotRetried) else None) for id in ids for act in (found[id],)]


def _act(named: str, key: UUID | None, scope_id: UUID | None = None, **facts: object) -> Act:
    """What is recorded; who did it is added for all."""
    return Act(f"{ACTS[named]}.retry", "", (named, key), scope_id, facts)


async def _job(session: AsyncSession, key: str, now: datetime) -> Found:
    job = await queue.lock(session, UUID(key))
    if job is None or job.status is not JobStatus.FAILED:
        return NotRetried.NOT_FOUND if job is None else NotRetried.NOT_FAILED
    act = _act("Job", job.id, job.community_id, kind=job.kind.value, failed_for=job.error_code, attempts=job.attempts)
    await queue.retry(session, job)
    return act


async def _delivery(session: AsyncSession, key: str, now: datetime) -> Found:
    try:
        was = await deliveries.retry(session, UUID(key), now=now)
    except ReceiverEnded:
        return NotRetried.RECEIVER_ENDED
    if was is None:
        return NotRetried.NOT_FAILED
    return _act("NotificationDelivery", UUID(key), outcome=was)


async def _webhook(session: AsyncSession, key: str, now: datetime) -> Found:
    try:
        was = await webhooks.enable(session, UUID(key), now=now)
    except ReceiverEnded:
        return NotRetried.RECEIVER_ENDED
    return NotRetried.NOT_FAILED if was is None else _act("Webhook", UUID(key), disabled_for=was)


async def _notice(session: AsyncSession, key: str, now: datetime) -> Found:
    """Nothing of it changes: whoever takes notices is woken."""
    waits = await session.scalar(select(Notice.taken_at.is_(None)).where(Notice.id == UUID(key)))
    if not waits:
        return NotRetried.NOT_FOUND if waits is None else NotRetried.NOT_FAILED
    return _act("Notice", UUID(key))


async def _stream(session: AsyncSession, key: str, now: datetime) -> Found:
    """Nothing of it changes: the relay is woken, and announces all that waits."""
    waiting = EventStream.announced < EventStream.sequence
    waits = await session.scalar(select(waiting).where(EventStream.stream == key))
    if not waits:
        return NotRetried.NOT_FOUND if waits is None else NotRetried.NOT_FAILED
    return _act("EventStream", None, stream=key)


AGAIN: Mapping[str, Again] = MappingProxyType(
    {
        "Job": _job,
        "NotificationDelivery": _delivery,
        "Webhook": _webhook,
        "Notice": _notice,
        "EventStream": _stream,
    }
)
ACTS: Mapping[str, str] = MappingProxyType(
    {
        "Job": "job",
        "NotificationDelivery": "notification",
        "Webhook": "webhook",
        "Notice": "notice",
        "EventStream": "events",
    }
)
