"""Deliveries: hand out what is due, and record what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import ends
from domain.events.ends import Failure
from domain.identity.tables import User
from domain.kernel.database import among
from domain.notifications import quiet_hours, webhooks
from domain.notifications.attempts import ATTEMPTS_MAX, LEASE, Result, next_attempt_at
from domain.notifications.tables import (
    Delivery,
    Message,
    NotificationOutcome,
    NotificationStatus,
    QuietHours,
    Webhook,
    WebhookDisabledReason,
)
from domain.notifications.webhooks import Receiver, ReceiverEnded

DUE_OF_ONE_WEBHOOK = 5  # So that one which answers slowly does not hold up the others.
WAITING, DELIVERED, GIVEN_UP = NotificationStatus.WAITING, NotificationStatus.DELIVERED, NotificationStatus.GIVEN_UP


@dataclass(frozen=True, slots=True)
class Attempt:
    """A delivery that is to be made now: to a web hook, or else by mail. A test of a web hook has no message."""

    id: UUID
    number: int
    asked_at: datetime
    email: str
    message: Message | None
    receiver: Receiver | None


async def are_due(session: AsyncSession, *, now: datetime) -> bool:
    """Whether any delivery is due."""
    due = select(Delivery.id).where(Delivery.status == WAITING, Delivery.next_attempt_at <= now).limit(1)
    return (await session.scalars(due)).first() is not None


async def hand_out(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Attempt]:
    """Attempts that are due, for the caller alone until their lease ends. Commit before they are made.

    Mail in quiet hours is put off, and what nobody is to get any more is dropped; neither is an attempt.
    """
    held = await _held(session, now, limit)
    if not held:
        return []
    hours = await _quiet_hours(session, held)
    attempts = []
    for delivery, user, message, webhook in held:
        is_letter = message is not None and message.kind.is_letter
        quiet = None if delivery.webhook_id or is_letter else _quiet_until(hours, delivery, now)
        is_wanted = user.disabled_at is None and (webhook is None or webhooks.is_live(webhook))
        if not is_wanted or delivery.attempts >= ATTEMPTS_MAX:  # Whoever made the last one did not live to tell.
            _give_up(session, delivery, Result(NotificationOutcome.DROPPED))
        elif quiet is not None:
            delivery.next_attempt_at = quiet
        else:
            delivery.attempts += 1
            delivery.next_attempt_at = now + LEASE
            receiver = None if webhook is None else webhooks.receiver(webhook, now)
            email = message.facts["address"] if message is not None and is_letter else user.email
            attempts.append(Attempt(delivery.id, delivery.attempts, delivery.created_at, email, message, receiver))
    await session.flush()
    return attempts


Held = tuple[Delivery, User, Message | None, Webhook | None]


async def _held(session: AsyncSession, now: datetime, limit: int) -> Sequence[Held]:
    """Deliveries that are due, locked; at most a few for one web hook."""
    is_due = Delivery.status == WAITING, Delivery.next_attempt_at <= now
    # Mail has no web hook: each has a turn of its own.
    turn = func.row_number().over(
        partition_by=func.coalesce(Delivery.webhook_id, Delivery.id), order_by=Delivery.next_attempt_at
    )
    ordered = select(Delivery.id, Delivery.next_attempt_at, turn.label("turn")).where(*is_due).subquery()
    first = select(ordered.c.id).where(ordered.c.turn <= DUE_OF_ONE_WEBHOOK)
    first = first.order_by(ordered.c.next_attempt_at).limit(limit)
    query = (
        select(Delivery, User, Message, Webhook)
        .join(User, User.id == Delivery.owner_id)
        .outerjoin(Message, Message.id == Delivery.message_id)
        .outerjoin(Webhook, Webhook.id == Delivery.webhook_id)
        .where(Delivery.id.in_(first), *is_due)
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .with_for_update(of=Delivery, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return [(delivery, user, message, hook) for delivery, user, message, hook in await session.execute(query)]


async def _quiet_hours(session: AsyncSession, held: Sequence[Held]) -> Mapping[UUID, QuietHours]:
    mailed = {delivery.owner_id for delivery, *_ in held if delivery.webhook_id is None}
    found = await session.scalars(select(QuietHours).where(among(QuietHours.user_id, sorted(mailed))))
    return {hours.user_id: hours for hours in found}


def _quiet_until(hours: Mapping[UUID, QuietHours], delivery: Delivery, now: datetime) -> datetime | None:
    set_hours = hours.get(delivery.owner_id)
    return None if set_hours is None else quiet_hours.until(set_hours, now)


async def record(session: AsyncSession, attempt: Attempt, result: Result, *, now: datetime) -> None:
    """Record what came of an attempt; a web hook that answered nothing for three days, or says it is gone, is disabled.

    A failure that comes after another attempt was handed out changes nothing.
    """
    query = select(Delivery).where(Delivery.id == attempt.id, Delivery.status == WAITING).with_for_update()
    delivery = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if delivery is None or (delivery.attempts != attempt.number and not result.is_acknowledged):
        return
    again_at = None if result.is_final else next_attempt_at(delivery.attempts, now)
    if result.is_acknowledged:
        _end(delivery, DELIVERED, result)
        delivery.delivered_at = now
    elif again_at is None:
        _give_up(session, delivery, result)
    else:
        delivery.next_attempt_at, delivery.outcome, delivery.status_code = again_at, result.outcome, result.status_code
    await session.flush()
    if delivery.status is GIVEN_UP and attempt.receiver is not None:
        reason = WebhookDisabledReason.GONE if result.is_final else WebhookDisabledReason.UNANSWERED
        await webhooks.disable(session, attempt.receiver.webhook_id, reason, now=now)


async def retry(session: AsyncSession, delivery_id: UUID, *, now: datetime) -> str | None:
    """Have a delivery that was given up made again, under its id, by which its receiver knows it.

    Gives what came of its last attempt; None where it was not given up. Raises ReceiverEnded.
    """
    query = (
        select(Delivery, User, Webhook)
        .join(User, User.id == Delivery.owner_id)
        .outerjoin(Webhook, Webhook.id == Delivery.webhook_id)
        .where(Delivery.id == delivery_id, Delivery.status == GIVEN_UP)
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    delivery, user, webhook = found
    if user.disabled_at is not None or (delivery.webhook_id is not None and not webhooks.is_live(webhook)):
        raise ReceiverEnded
    was = str(delivery.outcome)
    delivery.status, delivery.attempts, delivery.next_attempt_at = WAITING, 0, now
    delivery.outcome = delivery.status_code = None
    await session.flush()
    return was


def _give_up(session: AsyncSession, delivery: Delivery, result: Result) -> None:
    _end(delivery, GIVEN_UP, result)
    ends.failed(session, Failure("message", delivery.channel.value, delivery.id, result.outcome.value))


def _end(delivery: Delivery, status: NotificationStatus, result: Result) -> None:
    delivery.status, delivery.next_attempt_at = status, None
    delivery.outcome, delivery.status_code = result.outcome, result.status_code
