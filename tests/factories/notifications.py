"""Notices, messages and web hooks for tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import notices
from domain.events.notices import NewNotice, NoticeKind
from domain.ledger.words import PAYMENT
from domain.notifications import making, signatures, webhooks
from domain.notifications.tables import Message
from domain.notifications.webhooks import Proposal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PUBLIC = [ip_address("93.184.216.34")]
URL = "https://hooks.example.org/commonwatt"


async def a_notice(session: AsyncSession, user_id: UUID, kind: NoticeKind = PAYMENT, **facts: Any) -> None:
    """Something that a user should hear of; a payment, which is mailed, unless another kind is given."""
    await notices.tell(session, [NewNotice(user_id, kind, facts)])


async def take(session: AsyncSession, now: datetime = NOW) -> int:
    """Make messages of all notices."""
    return await making.take_notices(session, now=now, limit=1_000)


async def a_message(
    session: AsyncSession, user_id: UUID, kind: NoticeKind = PAYMENT, now: datetime = NOW, **facts: Any
) -> Message:
    """A message made of a notice, with its deliveries."""
    await a_notice(session, user_id, kind, **facts)
    await take(session, now)
    newest = select(Message).where(Message.user_id == user_id).order_by(Message.id.desc()).limit(1)
    return (await session.scalars(newest)).one()


async def a_webhook(
    session: AsyncSession,
    owner_id: UUID,
    *,
    url: str = URL,
    kinds: Sequence[NoticeKind] = (PAYMENT,),
    feeds: Mapping[UUID, int | None] | None = None,
    found: Sequence[Any] = PUBLIC,
    allowed: Sequence[Any] = (),
    now: datetime = NOW,
) -> tuple[UUID, bytes]:
    """A registered web hook and its secret."""
    proposal = Proposal(url, kinds, feeds or {})
    webhook_id, secret = await webhooks.register(session, owner_id, proposal, found, allowed, now=now)
    return webhook_id, signatures.read(secret)
