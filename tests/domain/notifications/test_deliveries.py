"""Deliveries are handed out once, tried again with growing delays, and given up after three days."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Notice
from domain.ledger.words import PAYMENT
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import deliveries, preferences, quiet_hours, webhooks
from domain.notifications.attempts import ATTEMPTS_MAX, LEASE, RETRY_AFTER, Result
from domain.notifications.deliveries import Attempt
from domain.notifications.tables import (
    Delivery,
    NotificationChannel,
    NotificationOutcome,
    NotificationStatus,
    Webhook,
    WebhookDisabledReason,
)
from domain.notifications.words import WEBHOOK_DISABLED
from tests.factories.identity import a_user
from tests.factories.notifications import NOW, a_message, a_notice, a_webhook, take

SECOND = timedelta(seconds=1)
TAKEN = Result(NotificationOutcome.ACKNOWLEDGED, 200)
BUSY = Result(NotificationOutcome.REJECTED, 503)
GONE = Result(NotificationOutcome.REJECTED, 410, is_final=True)
WAITING, DELIVERED, GIVEN_UP = NotificationStatus.WAITING, NotificationStatus.DELIVERED, NotificationStatus.GIVEN_UP


async def due(session: AsyncSession, now: datetime = NOW) -> list[Attempt]:
    return list(await deliveries.hand_out(session, now=now, limit=100))


async def stored(session: AsyncSession, id: UUID) -> Delivery:
    return await session.get_one(Delivery, id, populate_existing=True)


async def a_post(session: AsyncSession) -> tuple[UUID, UUID]:
    """A web hook with one message on its way, and none by mail."""
    user = await a_user(session)
    webhook_id, _ = await a_webhook(session, user.id, kinds=[CERTIFICATE])
    await a_message(session, user.id, CERTIFICATE)
    return user.id, webhook_id


def test_retries_grow_and_end_within_three_days() -> None:
    assert list(RETRY_AFTER) == sorted(set(RETRY_AFTER))
    assert timedelta(days=2, hours=12) < sum(RETRY_AFTER, timedelta()) <= timedelta(days=3)


async def test_an_attempt_is_handed_out_once_and_again_after_its_lease(session: AsyncSession) -> None:
    await a_post(session)

    [first] = await due(session)
    meanwhile = await due(session, NOW + LEASE - SECOND)
    [second] = await due(session, NOW + LEASE)

    assert (first.number, meanwhile, second.number) == (1, [], 2)
    assert first.id == second.id


async def test_what_was_acknowledged_is_never_handed_out_again(session: AsyncSession) -> None:
    await a_post(session)
    [attempt] = await due(session)

    await deliveries.record(session, attempt, TAKEN, now=NOW + SECOND)

    kept = await stored(session, attempt.id)
    assert await due(session, NOW + timedelta(days=30)) == []
    assert (kept.status, kept.delivered_at, kept.outcome, kept.status_code, kept.attempts) == (
        DELIVERED,
        NOW + SECOND,
        NotificationOutcome.ACKNOWLEDGED,
        200,
        1,
    )


async def test_a_failure_is_followed_by_the_next_attempt_of_the_schedule(session: AsyncSession) -> None:
    user_id, webhook_id = await a_post(session)
    now, waited = NOW, []

    for _ in range(ATTEMPTS_MAX):
        [attempt] = await due(session, now)
        await deliveries.record(session, attempt, BUSY, now=now)
        kept = await stored(session, attempt.id)
        if kept.next_attempt_at is not None:
            waited.append(kept.next_attempt_at - now)
            now = kept.next_attempt_at

    webhook = await session.get_one(Webhook, webhook_id, populate_existing=True)
    told = (await session.scalars(select(Notice).where(Notice.user_id == user_id, Notice.taken_at.is_(None)))).one()
    assert tuple(waited) == RETRY_AFTER
    assert (kept.status, kept.status_code, kept.attempts) == (GIVEN_UP, 503, ATTEMPTS_MAX)
    assert (webhook.disabled_at, webhook.disabled_reason) == (now, WebhookDisabledReason.UNANSWERED)
    assert (told.kind, told.facts) == (
        WEBHOOK_DISABLED,
        {"webhook_id": str(webhook_id), "host": "hooks.example.org", "reason": "UNANSWERED"},
    )


async def test_a_web_hook_that_is_gone_is_disabled_at_once_with_all_that_waits(session: AsyncSession) -> None:
    user_id, webhook_id = await a_post(session)
    await a_message(session, user_id, CERTIFICATE)
    first, second = await due(session)

    await deliveries.record(session, first, GONE, now=NOW)

    webhook = await session.get_one(Webhook, webhook_id, populate_existing=True)
    dropped = await stored(session, second.id)
    assert (webhook.disabled_reason, dropped.status, dropped.outcome) == (
        WebhookDisabledReason.GONE,
        GIVEN_UP,
        NotificationOutcome.DROPPED,
    )


async def test_a_late_failure_changes_nothing_but_a_late_success_counts(session: AsyncSession) -> None:
    await a_post(session)
    [late] = await due(session)
    [second] = await due(session, NOW + LEASE)

    await deliveries.record(session, late, BUSY, now=NOW + LEASE)
    after_failure = (await stored(session, late.id)).next_attempt_at
    await deliveries.record(session, late, TAKEN, now=NOW + LEASE)
    await deliveries.record(session, second, BUSY, now=NOW + LEASE + SECOND)

    assert after_failure == NOW + 2 * LEASE
    assert (await stored(session, late.id)).status is DELIVERED


async def test_mail_is_put_off_by_quiet_hours_and_posts_are_not(session: AsyncSession) -> None:
    user = await a_user(session)
    webhook_id, _ = await a_webhook(session, user.id, kinds=[PAYMENT])
    await quiet_hours.set_hours(session, user.id, ("11:00", "14:00", "UTC"))
    await a_message(session, user.id, PAYMENT)

    [post] = await due(session)
    await deliveries.record(session, post, TAKEN, now=NOW)
    meanwhile = await due(session, NOW + timedelta(hours=2) - SECOND)
    [mail] = await due(session, NOW + timedelta(hours=2))

    assert post.receiver is not None
    assert post.receiver.webhook_id == webhook_id
    assert meanwhile == []
    assert (mail.receiver, mail.email, mail.number) == (None, user.email, 1)


async def test_nothing_is_sent_to_who_was_disabled_meanwhile(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_message(session, user.id, PAYMENT)
    user.disabled_at = NOW
    await session.flush()

    handed_out = await due(session)

    kept = (await session.scalars(select(Delivery).where(Delivery.owner_id == user.id))).one()
    assert handed_out == []
    assert (kept.status, kept.outcome, kept.attempts) == (GIVEN_UP, NotificationOutcome.DROPPED, 0)


async def test_attempts_that_nobody_lives_to_record_come_to_an_end(session: AsyncSession) -> None:
    await a_post(session)
    handed_out = 0

    for number in range(ATTEMPTS_MAX + 5):
        handed_out += len(await due(session, NOW + number * LEASE))

    assert handed_out == ATTEMPTS_MAX


async def test_one_web_hook_does_not_take_all_turns(session: AsyncSession) -> None:
    user_id, _ = await a_post(session)
    for _ in range(20):
        await a_notice(session, user_id, CERTIFICATE)
    await take(session, NOW - SECOND)
    await preferences.set_preference(session, user_id, PAYMENT, NotificationChannel.WEBHOOK, is_wanted=False)
    await a_message(session, user_id, PAYMENT)

    handed_out = await deliveries.hand_out(session, now=NOW, limit=10)

    assert len([each for each in handed_out if each.receiver]) == deliveries.DUE_OF_ONE_WEBHOOK
    assert len([each for each in handed_out if each.receiver is None]) == 1


async def test_posts_are_signed_with_both_secrets_for_a_day(session: AsyncSession) -> None:
    user = await a_user(session)
    webhook_id, secret = await a_webhook(session, user.id)
    await webhooks.rotate(session, user.id, webhook_id, now=NOW)
    webhook = await session.get_one(Webhook, webhook_id)

    during = webhooks.receiver(webhook, NOW + webhooks.ROTATION - SECOND)
    afterwards = webhooks.receiver(webhook, NOW + webhooks.ROTATION)

    assert list(during.secrets) == [webhook.secret, secret]
    assert list(afterwards.secrets) == [webhook.secret]
    assert webhook.secret != secret


@pytest.mark.parametrize("is_due", [True, False])
async def test_what_is_due_is_told(session: AsyncSession, is_due: bool) -> None:
    await a_post(session)

    assert await deliveries.are_due(session, now=NOW if is_due else NOW - SECOND) is is_due
