"""Feeds: the trades of a market for a web hook, one after the other in the order of their stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.events.tables import Event, EventStream
from domain.identity.tables import User
from domain.kernel.database import among
from domain.market.clearing.tables import Trade
from domain.notifications import webhooks
from domain.notifications.attempts import LEASE, Result, next_attempt_at
from domain.notifications.tables import Webhook, WebhookDisabledReason, WebhookFeed
from domain.notifications.webhooks import Receiver

EVENTS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """The next trades of a feed that are to be sent now, the first of them for the `number`th time."""

    feed_id: UUID
    number: int
    receiver: Receiver
    events: Sequence[tuple[Event, Trade]]


async def are_due(session: AsyncSession, *, now: datetime) -> bool:
    """Whether any feed has trades to send."""
    return (await session.scalars(_due(now).with_only_columns(WebhookFeed.id).limit(1))).first() is not None


async def hand_out(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Turn]:
    """Feeds with trades to send, for the caller alone until their lease ends. Commit before they are sent."""
    query = _due(now).order_by(WebhookFeed.next_attempt_at, WebhookFeed.id).limit(limit)
    held = await session.execute(
        query.with_for_update(of=WebhookFeed, skip_locked=True).execution_options(populate_existing=True)
    )
    turns = []
    for row, webhook in held:
        row.attempts += 1
        row.next_attempt_at = now + LEASE
        events = await _events(session, row)
        turns.append(Turn(row.id, row.attempts, webhooks.receiver(webhook, now), events))
    await session.flush()
    return turns


def _due(now: datetime) -> Select[WebhookFeed, Webhook]:
    behind = and_(EventStream.stream == WebhookFeed.stream, EventStream.sequence > WebhookFeed.sequence)
    return (
        select(WebhookFeed, Webhook)
        .join(EventStream, behind)
        .join(Webhook, Webhook.id == WebhookFeed.webhook_id)
        .join(User, User.id == WebhookFeed.owner_id)
        .where(WebhookFeed.next_attempt_at <= now, User.disabled_at.is_(None))
        .where(Webhook.disabled_at.is_(None), Webhook.removed_at.is_(None))
    )


async def _events(session: AsyncSession, row: WebhookFeed) -> Sequence[tuple[Event, Trade]]:
    """The events behind the cursor with their trades; trades are everybody's who signed in."""
    events = await feed.after(session, row.stream, row.sequence, EVENTS_AT_ONCE)
    ids = [UUID(event.payload["trade_id"]) for event in events]
    found = {trade.id: trade for trade in await session.scalars(select(Trade).where(among(Trade.id, ids)))}
    return [(event, found[id]) for event, id in zip(events, ids, strict=True)]


async def acknowledge(session: AsyncSession, turn: Turn, event: Event, result: Result, *, now: datetime) -> bool:
    """Move the cursor behind a trade that was acknowledged, and keep the lease.

    False where another has moved it meanwhile, or the web hook was disabled or removed: stop then.
    """
    live = select(Webhook.id).where(Webhook.disabled_at.is_(None), Webhook.removed_at.is_(None))
    moved = (
        update(WebhookFeed)
        .where(WebhookFeed.id == turn.feed_id, WebhookFeed.sequence == event.sequence - 1)
        .where(WebhookFeed.webhook_id.in_(live))
        .values(
            sequence=event.sequence,
            attempts=1,
            next_attempt_at=now + LEASE,
            delivered_at=now,
            outcome=result.outcome,
            status_code=result.status_code,
        )
        .returning(WebhookFeed.id)
    )
    return (await session.scalars(moved)).one_or_none() is not None


async def rest(session: AsyncSession, turn: Turn, *, now: datetime) -> None:
    """Give a feed back whose turn has ended well: what comes next is due at once."""
    ended = update(WebhookFeed).where(WebhookFeed.id == turn.feed_id)
    await session.execute(ended.values(attempts=0, next_attempt_at=now))


async def fail(session: AsyncSession, turn: Turn, event: Event, result: Result, *, now: datetime) -> None:
    """Record that a trade was not acknowledged; after three days, or when it is gone, the web hook is disabled."""
    query = select(WebhookFeed).where(WebhookFeed.id == turn.feed_id, WebhookFeed.sequence == event.sequence - 1)
    held = query.with_for_update().execution_options(populate_existing=True)
    row = (await session.scalars(held)).one_or_none()
    if row is None:
        return
    row.outcome, row.status_code = result.outcome, result.status_code
    again_at = None if result.is_final else next_attempt_at(row.attempts, now)
    if again_at is not None:
        row.next_attempt_at = again_at
    await session.flush()
    if again_at is None:
        reason = WebhookDisabledReason.GONE if result.is_final else WebhookDisabledReason.UNANSWERED
        await webhooks.disable(session, row.webhook_id, reason, now=now)
