"""Messages: kept for their users, read by them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.kernel.database import among
from domain.kernel.errors import NotFound
from domain.notifications.tables import Message


def stream_of(user_id: UUID) -> str:
    """The event stream of a user's messages that are shown in the app."""
    return f"user:{user_id}:notifications"


async def unread_count(session: AsyncSession | AsyncConnection, user_id: UUID) -> int:
    """How many messages of a user wait to be read."""
    query = select(func.count()).where(Message.user_id == user_id, Message.read_at.is_(None), Message.is_in_app)
    return int((await session.execute(query)).scalar_one())


async def mark_read(
    session: AsyncSession, user_id: UUID, message_ids: Collection[UUID] | None, *, now: datetime
) -> int:
    """Mark messages of a user as read, all of them where none are named; gives how many were unread.

    Raises NotFound where one is not the user's to see.
    """
    own: tuple[ColumnElement[bool], ...] = Message.user_id == user_id, Message.is_in_app.is_(True)
    if message_ids is not None:
        ids = sorted(message_ids)
        known = set(await session.scalars(select(Message.id).where(among(Message.id, ids), *own)))
        for message_id in ids:
            if message_id not in known:
                raise NotFound("notification", message_id)
        own = *own, among(Message.id, ids)
    marked = update(Message).where(*own, Message.read_at.is_(None)).values(read_at=now).returning(Message.id)
    count = len((await session.scalars(marked)).all())
    if count:
        subject, facts = ("User", user_id), {"count": count}
        await entries.record(session, "notification.read", actor=f"user:{user_id}", subject=subject, facts=facts)
    return count
