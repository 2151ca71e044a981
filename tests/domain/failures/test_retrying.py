"""Work that failed is found and done again once, under its id and key; everything else is left alone."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.tables import AuditEntry
from domain.events import feed, notices
from domain.events.notices import NewNotice
from domain.failures import retrying, work
from domain.failures.retrying import NotRetried
from domain.failures.sorts import WorkSort
from domain.failures.work import Criteria, FailedWork, Place
from domain.identity.tables import User
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue
from domain.ledger.words import PAYMENT
from domain.market.clearing.words import CLEAR_MARKET
from domain.notifications import deliveries
from domain.notifications.attempts import Result
from domain.notifications.tables import (
    Delivery,
    Message,
    NotificationChannel,
    NotificationOutcome,
    NotificationStatus,
    Webhook,
    WebhookFeed,
)
from domain.sharing.words import ALLOCATE_PERIOD
from tests.factories.identity import a_user
from tests.factories.notifications import NOW, a_webhook

A, B = new_id(), new_id()
NEVER = Result(NotificationOutcome.UNREACHABLE, is_final=True)


async def a_failed_job(
    session: AsyncSession, key: str = "work", code: str = "TIME_LIMIT", community_id: UUID | None = None
) -> UUID:
    job_id = await queue.enqueue(session, ALLOCATE_PERIOD, key, {"n": 1}, community_id=community_id)
    await queue.start(session, job_id)
    await queue.fail(session, job_id, code, "Too long.")
    return job_id


async def again(session: AsyncSession, *ids: str) -> list[NotRetried | None]:
    told = await retrying.retry(session, ids, actor="command-line", why="The disk was full.", now=NOW)
    assert [each.id for each in told] == list(ids)
    return [each.refused for each in told]


async def listed(
    session: AsyncSession, sort: WorkSort, criteria: Criteria | None = None, beyond: Place | None = None
) -> list[FailedWork]:
    await session.flush()
    return list(await work.page(await session.connection(), sort, criteria or Criteria(), 100, beyond))


async def status_of(session: AsyncSession, job_id: UUID) -> JobStatus:
    return (await session.execute(select(Job.status).where(Job.id == job_id))).scalar_one()


async def test_a_failed_job_is_done_again_under_its_id_and_key(session: AsyncSession) -> None:
    job_id = await a_failed_job(session)

    assert await again(session, f"Job:{job_id}") == [None]

    assert await queue.enqueue(session, ALLOCATE_PERIOD, "work", {"n": 1}) == job_id, "its key asks for it"
    assert [due.id for due in await queue.take_due(session, 10)] == [job_id]
    taken = await queue.start(session, job_id)
    assert taken is not None
    assert (taken.attempts, taken.error_code, taken.finished_at) == (2, None, None)
    await queue.succeed(session, job_id, None)
    assert await status_of(session, job_id) is JobStatus.SUCCEEDED


async def test_a_job_whose_attempts_were_exhausted_gets_new_ones(session: AsyncSession) -> None:
    job_id = await queue.enqueue(session, ALLOCATE_PERIOD, "work", {})
    past = {"lease_until": None, "status": JobStatus.QUEUED}
    for _ in range(5):
        await queue.start(session, job_id)
        await session.execute(update(Job).where(Job.id == job_id).values(past))
    assert await queue.start(session, job_id) is None, "and it failed"

    await again(session, f"Job:{job_id}")

    assert await queue.start(session, job_id) is not None


@pytest.mark.parametrize("end", ["again", "running", "succeeded", "cancelled", "never"])
async def test_what_did_not_fail_is_left_alone_and_nothing_recorded(session: AsyncSession, end: str) -> None:
    job_id = await a_failed_job(session) if end == "again" else await queue.enqueue(session, ALLOCATE_PERIOD, end, {})
    if end == "again":
        await again(session, f"Job:{job_id}")
    if end in {"running", "succeeded"}:
        await queue.start(session, job_id)
    if end == "succeeded":
        await queue.succeed(session, job_id, None)
    if end == "cancelled":
        await queue.cancel(session, job_id, actor="test")
    before, status = await entries.head(session, "platform"), await status_of(session, job_id)

    assert await again(session, f"Job:{job_id}", f"Job:{job_id}") == [NotRetried.NOT_FAILED] * 2

    assert (await entries.head(session, "platform"), await status_of(session, job_id)) == (before, status)


async def test_named_twice_it_is_recorded_once(session: AsyncSession) -> None:
    job_id = await a_failed_job(session)

    assert await again(session, f"Job:{job_id}", f"Job:{job_id}") == [None, None]

    acts = await session.scalars(select(AuditEntry.act).where(AuditEntry.subject_id == job_id))
    assert list(acts) == ["job.retry"]


async def test_a_retry_is_in_the_chain_of_its_community(session: AsyncSession) -> None:
    job_id = await a_failed_job(session, community_id=A)

    await again(session, f"Job:{job_id}")

    (entry,) = await session.scalars(select(AuditEntry).where(AuditEntry.chain == str(A)))
    assert (entry.act, entry.actor, entry.subject_id) == ("job.retry", "command-line", job_id)
    assert entry.facts["reason"] == "The disk was full."
    assert [breach async for breach in entries.verify_chain(session, str(A))] == []


@pytest.mark.parametrize("named", ["Job:1", "User", "Job", ""])
async def test_what_could_not_fail_is_refused(session: AsyncSession, named: str) -> None:
    id = f"{named}:{new_id()}" if named == "User" else named

    with pytest.raises(InvalidValue):
        await again(session, id)


async def test_conditions_all_hold(session: AsyncSession) -> None:
    ids = [
        await a_failed_job(session, "1", "TIME_LIMIT", A),
        await a_failed_job(session, "2", "TIME_LIMIT", B),
        await a_failed_job(session, "3", "NoReadings", A),
    ]
    past = {"finished_at": NOW - timedelta(days=1)}
    await session.execute(update(Job).where(Job.id == ids[0]).values(past))

    async def found(**conditions: object) -> set[int]:
        rows = await listed(session, WorkSort.JOB, Criteria(**conditions))  # type: ignore[arg-type]
        named = {row.id for row in rows}
        return {number for number, job_id in enumerate(ids, 1) if f"Job:{job_id}" in named}

    assert await found() == {1, 2, 3}
    assert await found(community_id=A) == {1, 3}
    assert await found(reason="TIME_LIMIT", community_id=A) == {1}
    assert await found(since=NOW - timedelta(hours=1)) == {2, 3}
    assert await found(kind=CLEAR_MARKET.value) == set()
    assert await found(kind=ALLOCATE_PERIOD.value) == {1, 2, 3}


async def test_pages_follow_each_other_without_gaps(session: AsyncSession) -> None:
    for number in range(5):
        await a_failed_job(session, str(number))
    whole, beyond, walked = await listed(session, WorkSort.JOB), None, []

    while page := (await listed(session, WorkSort.JOB, None, beyond))[:2]:
        walked += page
        beyond = Place(page[-1].at, page[-1].id)

    assert walked == whole
    last = Place(whole[-1].at, whole[-1].id)
    backward = await work.page(await session.connection(), WorkSort.JOB, Criteria(), 2, last, is_backward=True)
    assert backward == [whole[-2], whole[-3]], "the nearest first"
    assert await work.count(await session.connection(), WorkSort.JOB, Criteria()) == len(whole)


async def given_up(session: AsyncSession, channel: NotificationChannel, result: Result = NEVER) -> Delivery:
    """A delivery whose only attempt was final."""
    user = await a_user(session)
    message = Message(user_id=user.id, kind=PAYMENT, title="x", body="x", facts={}, is_in_app=True, created_at=NOW)
    session.add(message)
    await session.flush()
    webhook_id = None
    if channel is NotificationChannel.WEBHOOK:
        webhook_id, _ = await a_webhook(session, user.id)
    row = Delivery(owner_id=user.id, channel=channel, message_id=message.id, webhook_id=webhook_id, next_attempt_at=NOW)
    session.add(row)
    await session.flush()
    (attempt,) = await deliveries.hand_out(session, now=NOW, limit=1)
    await deliveries.record(session, attempt, result, now=NOW)
    return row


async def test_a_mail_that_was_given_up_is_sent_again(session: AsyncSession) -> None:
    mail = await given_up(session, NotificationChannel.MAIL)
    (found,) = await listed(session, WorkSort.MESSAGE)
    assert (found.kind, found.reason, found.attempts) == ("PAYMENT", "UNREACHABLE", 1)

    assert await again(session, found.id) == [None]
    assert await again(session, found.id) == [NotRetried.NOT_FAILED]

    (attempt,) = await deliveries.hand_out(session, now=NOW, limit=1)
    assert attempt.id == mail.id, "receivers know it by its id"
    assert await listed(session, WorkSort.MESSAGE) == []


async def test_a_web_hook_comes_first_and_then_what_was_to_be_sent_to_it(session: AsyncSession) -> None:
    delivery = await given_up(session, NotificationChannel.WEBHOOK, Result(NotificationOutcome.REJECTED, 410, True))
    assert delivery.webhook_id is not None
    post, hook = f"NotificationDelivery:{delivery.id}", f"Webhook:{delivery.webhook_id}"
    assert [row.id for row in await listed(session, WorkSort.DELIVERY)] == [post]
    assert [(row.id, row.reason) for row in await listed(session, WorkSort.WEBHOOK)] == [(hook, "GONE")]

    assert await again(session, post) == [NotRetried.RECEIVER_ENDED]
    assert await again(session, hook) == [None]
    assert await again(session, hook, post) == [NotRetried.NOT_FAILED, None]

    assert (await session.get_one(Webhook, delivery.webhook_id, populate_existing=True)).disabled_at is None
    assert (await session.get_one(Delivery, delivery.id)).status is NotificationStatus.WAITING
    follows = select(WebhookFeed.attempts).where(WebhookFeed.webhook_id == delivery.webhook_id)
    assert set(await session.scalars(follows)) <= {0}


async def test_nothing_is_sent_to_who_has_gone(session: AsyncSession) -> None:
    mail = await given_up(session, NotificationChannel.MAIL)
    await session.execute(update(User).where(User.id == mail.owner_id).values(disabled_at=NOW))

    assert await again(session, f"NotificationDelivery:{mail.id}") == [NotRetried.RECEIVER_ENDED]


async def test_the_outbox_tells_what_waits_and_wakes_who_takes_it(session: AsyncSession) -> None:
    user = await a_user(session)
    await notices.tell(session, [NewNotice(user.id, PAYMENT, {"community_id": str(A)})])
    await feed.append(session, "job:waits", [{}, {}])

    found = {row.kind: row for row in await listed(session, WorkSort.OUTBOX) if row.kind in {"PAYMENT", "EVENTS"}}

    assert found["PAYMENT"].community == str(A)
    assert found["EVENTS"].id == "EventStream:job:waits"
    assert await again(session, *(row.id for row in found.values())) == [None, None]
    await feed.take_unannounced(session, 1_000)
    assert await again(session, "EventStream:job:waits", "EventStream:none") == [
        NotRetried.NOT_FAILED,
        NotRetried.NOT_FOUND,
    ]


async def test_each_sort_is_shown_by_its_id_whatever_became_of_it(session: AsyncSession) -> None:
    delivery = await given_up(session, NotificationChannel.WEBHOOK)
    job_id = await a_failed_job(session)
    await feed.append(session, "job:shown", [{}])
    await session.flush()
    ids = (f"Job:{job_id}", f"NotificationDelivery:{delivery.id}", f"Webhook:{delivery.webhook_id}")

    for id in (*ids, "EventStream:job:shown"):
        row = await work.shown(await session.connection(), id)
        assert row is not None
        assert row["id"] == id
    for id in ("Job:x", f"Job:{new_id()}", "User:x", f"Notice:{new_id()}"):
        assert await work.shown(await session.connection(), id) is None
