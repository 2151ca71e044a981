"""Web hooks: register, sign for, test, disable and remove them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import ends, feed, notices
from domain.events.ends import Failure
from domain.events.notices import NewNotice, NoticeKind
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.market.clearing import trades
from domain.market.places.tables import Market
from domain.notifications import signatures
from domain.notifications.addresses import Address, Network, Target, pinned, target_of
from domain.notifications.tables import (
    Delivery,
    NotificationChannel,
    NotificationOutcome,
    NotificationStatus,
    Webhook,
    WebhookDisabledReason,
    WebhookFeed,
)
from domain.notifications.words import WEBHOOK_DISABLED

WEBHOOKS_MAX = 10  # Of one user.
FEEDS_MAX = 20  # Of one web hook.
ROTATION = timedelta(hours=24)  # How long the secret before the current one is good.


class TooManyWebhooks(DomainError):
    """The user has as many web hooks as one may have."""

    def __init__(self) -> None:
        super().__init__(f"You have {WEBHOOKS_MAX} web hooks, which is as many as one may have. Remove one first.")
        self.maximum = WEBHOOKS_MAX


class WebhookIsDisabled(DomainError):
    """Nothing is sent to the web hook any more."""

    def __init__(self, disabled_at: datetime, reason: WebhookDisabledReason) -> None:
        super().__init__("The web hook is disabled: register it anew.")
        self.disabled_at = disabled_at
        self.reason = reason


class ReceiverEnded(DomainError):
    """Nobody is to get it any more."""

    def __init__(self) -> None:
        super().__init__("Nobody is to get this any more: the web hook or the account has ended.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A web hook to be registered. `feeds` are markets with the number of the last trade event that is known.

    None for a market starts with what is traded from now on.
    """

    url: str
    kinds: Collection[NoticeKind] = ()
    feeds: Mapping[UUID, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where posts go, and with which secrets they are signed, the current one first."""

    webhook_id: UUID
    target: Target
    secrets: Sequence[bytes] = field(repr=False)


def require_person(viewer: Viewer) -> UUID:
    """The user who manages web hooks; a key may not, as they would outlive it. Raises NotAllowed."""
    if viewer.user_id is None or viewer.api_key_id is not None:
        raise NotAllowed("manage web hooks with a key")
    return viewer.user_id


async def register(
    session: AsyncSession,
    owner_id: UUID,
    proposal: Proposal,
    found: Sequence[Address],
    allowed: Sequence[Network],
    *,
    now: datetime,
) -> tuple[UUID, str]:
    """Store a web hook whose host resolves to the addresses `found`; gives its id and its secret, which is shown once.

    Raises UrlRefused, PrivateAddress, TooManyWebhooks, InvalidValue, NotFound for a market that does not exist.
    """
    pinned(target_of(proposal.url), found, allowed)
    if not proposal.kinds and not proposal.feeds:
        raise InvalidValue(("kinds",), "Name at least one kind of notification or one market.")
    if len(proposal.feeds) > FEEDS_MAX:
        raise InvalidValue(("feeds",), f"A web hook follows at most {FEEDS_MAX} markets.")
    await _require_room(session, owner_id)
    secret = signatures.new_secret()
    kinds = sorted({kind.value for kind in proposal.kinds})
    webhook = Webhook(owner_id=owner_id, url=proposal.url, kinds=kinds, secret=secret, created_at=now)
    session.add(webhook)
    await session.flush()
    await _follow(session, webhook, proposal.feeds, now)
    facts = {"host": target_of(proposal.url).host, "kinds": kinds, "markets": sorted(map(str, proposal.feeds))}
    await _note(session, "webhook.register", webhook, facts)
    return webhook.id, signatures.written(secret)


async def _require_room(session: AsyncSession, owner_id: UUID) -> None:
    """Two registrations of one user wait for each other at the user's row. Raises TooManyWebhooks."""
    await session.execute(select(User.id).where(User.id == owner_id).with_for_update(key_share=True))
    count = select(func.count()).where(Webhook.owner_id == owner_id, Webhook.removed_at.is_(None))
    if (await session.execute(count)).scalar_one() >= WEBHOOKS_MAX:
        raise TooManyWebhooks


async def _follow(session: AsyncSession, webhook: Webhook, feeds: Mapping[UUID, int | None], now: datetime) -> None:
    known = set(await session.scalars(select(Market.id).where(among(Market.id, sorted(feeds)))))
    for market_id in sorted(feeds):
        if market_id not in known:
            raise NotFound("market", market_id)
        stream, after = trades.stream_of(market_id), feeds[market_id]
        last = await feed.last_sequence(session, stream)
        session.add(
            WebhookFeed(
                webhook_id=webhook.id,
                owner_id=webhook.owner_id,
                market_id=market_id,
                stream=stream,
                sequence=last if after is None else min(after, last),
                next_attempt_at=now,
            )
        )
    await session.flush()


async def rotate(session: AsyncSession, owner_id: UUID, webhook_id: UUID, *, now: datetime) -> str:
    """Give a web hook a new secret; the one before signs too, for a day. Raises NotFound, WebhookIsDisabled."""
    webhook = await _own(session, owner_id, webhook_id)
    _require_live(webhook)
    webhook.previous_secret, webhook.previous_secret_until = webhook.secret, now + ROTATION
    webhook.secret = signatures.new_secret()
    await session.flush()
    await _note(session, "webhook.rotate", webhook)
    return signatures.written(webhook.secret)


async def remove(session: AsyncSession, owner_id: UUID, webhook_id: UUID, *, now: datetime) -> None:
    """Remove a web hook with its secrets; what was to be sent to it is dropped. Raises NotFound."""
    webhook = await _own(session, owner_id, webhook_id)
    webhook.removed_at, webhook.secret = now, b""
    webhook.previous_secret = webhook.previous_secret_until = None
    await session.flush()
    await _drop_waiting(session, webhook_id)
    await _note(session, "webhook.remove", webhook)


async def ask_for_test(session: AsyncSession, owner_id: UUID, webhook_id: UUID, *, now: datetime) -> UUID:
    """Send a test to a web hook; gives its delivery, the one that still waits where there is one.

    Raises NotFound, WebhookIsDisabled.
    """
    webhook = await _own(session, owner_id, webhook_id)
    _require_live(webhook)
    waiting = select(Delivery.id).where(
        Delivery.webhook_id == webhook_id,
        Delivery.message_id.is_(None),
        Delivery.status == NotificationStatus.WAITING,
    )
    found = (await session.scalars(waiting.limit(1))).first()
    if found is not None:
        return found
    test = Delivery(
        owner_id=owner_id,
        channel=NotificationChannel.WEBHOOK,
        webhook_id=webhook_id,
        created_at=now,
        next_attempt_at=now,
    )
    session.add(test)
    await session.flush()
    await _note(session, "webhook.test", webhook)
    return test.id


async def disable(session: AsyncSession, webhook_id: UUID, reason: WebhookDisabledReason, *, now: datetime) -> None:
    """Send nothing to a web hook any more, and tell its owner."""
    webhook = await session.get_one(Webhook, webhook_id, with_for_update=True, populate_existing=True)
    if not is_live(webhook):
        return
    webhook.disabled_at, webhook.disabled_reason = now, reason
    await session.flush()
    ends.failed(session, Failure("webhook", "WEBHOOK", webhook_id, reason.value))
    for delivery_id in await _drop_waiting(session, webhook_id):
        ends.failed(session, Failure("message", "WEBHOOK", delivery_id, NotificationOutcome.DROPPED.value))
    facts = {"webhook_id": str(webhook_id), "host": target_of(webhook.url).host, "reason": reason.value}
    await notices.tell(session, [NewNotice(webhook.owner_id, WEBHOOK_DISABLED, facts)])
    await _note(session, "webhook.disable", webhook, {"reason": reason.value}, actor="clock")


async def enable(session: AsyncSession, webhook_id: UUID, *, now: datetime) -> str | None:
    """Send to a disabled web hook again, its feeds from the last trade that it acknowledged; the caller records it.

    Gives why it was disabled; None where it was not. Raises ReceiverEnded.
    """
    query = select(Webhook, User).join(User, User.id == Webhook.owner_id).where(Webhook.id == webhook_id)
    held = query.with_for_update(of=Webhook).execution_options(populate_existing=True)
    found = (await session.execute(held)).one_or_none()
    if found is None or found[0].disabled_at is None:
        return None
    webhook, owner = found
    if webhook.removed_at is not None or owner.disabled_at is not None:
        raise ReceiverEnded
    was = str(webhook.disabled_reason)
    webhook.disabled_at = webhook.disabled_reason = None
    await session.flush()
    feeds = update(WebhookFeed).where(WebhookFeed.webhook_id == webhook_id)
    await session.execute(feeds.values(attempts=0, next_attempt_at=now))
    return was


def is_live(webhook: Webhook) -> bool:
    """Whether anything is sent to it."""
    return webhook.disabled_at is None and webhook.removed_at is None


def receiver(webhook: Webhook, now: datetime) -> Receiver:
    """Where to send, and the secrets that are good now."""
    until, previous = webhook.previous_secret_until, webhook.previous_secret
    is_rotating = previous is not None and until is not None and now < until
    secrets = [webhook.secret, previous] if is_rotating and previous else [webhook.secret]
    return Receiver(webhook.id, target_of(webhook.url), secrets)


async def _own(session: AsyncSession, owner_id: UUID, webhook_id: UUID) -> Webhook:
    own = Webhook.id == webhook_id, Webhook.owner_id == owner_id, Webhook.removed_at.is_(None)
    query = select(Webhook).where(*own).with_for_update().execution_options(populate_existing=True)
    webhook = (await session.scalars(query)).one_or_none()
    if webhook is None:
        raise NotFound("web hook", webhook_id)
    return webhook


def _require_live(webhook: Webhook) -> None:
    if webhook.disabled_at is not None and webhook.disabled_reason is not None:
        raise WebhookIsDisabled(webhook.disabled_at, webhook.disabled_reason)


async def _drop_waiting(session: AsyncSession, webhook_id: UUID) -> Sequence[UUID]:
    ended = {"status": NotificationStatus.GIVEN_UP, "next_attempt_at": None, "outcome": NotificationOutcome.DROPPED}
    waiting = Delivery.webhook_id == webhook_id, Delivery.status == NotificationStatus.WAITING
    return (await session.scalars(update(Delivery).where(*waiting).values(ended).returning(Delivery.id))).all()


async def _note(
    session: AsyncSession, act: str, webhook: Webhook, facts: dict[str, Any] | None = None, actor: str | None = None
) -> None:
    subject = ("Webhook", webhook.id)
    await entries.record(session, act, actor=actor or f"user:{webhook.owner_id}", subject=subject, facts=facts)
