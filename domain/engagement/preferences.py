"""Opting out: who does is hidden from others, is neither ranked nor counted, and still learns of itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.engagement.tables import EngagementPreference
from domain.identity.viewers import Viewer
from domain.kernel.errors import NotAllowed


async def set_preference(session: AsyncSession, viewer: Viewer, *, is_opted_out: bool, now: datetime) -> None:
    """Opt out or in again; it holds from the commit on. Raises NotAllowed for an application."""
    if viewer.user_id is None or viewer.api_key_id is not None:
        raise NotAllowed("do this with a key")
    said = {"is_opted_out": is_opted_out, "changed_at": now}
    kept = insert(EngagementPreference).values(user_id=viewer.user_id, **said)
    await session.execute(kept.on_conflict_do_update(index_elements=[EngagementPreference.user_id], set_=said))
    subject, facts = ("User", viewer.user_id), {"is_opted_out": is_opted_out}
    await entries.record(session, "engagement.prefer", actor=viewer.key, subject=subject, facts=facts)


async def is_opted_out(connection: AsyncConnection, user_id: UUID) -> bool:
    """Whether a user takes no part."""
    said = select(EngagementPreference.is_opted_out).where(EngagementPreference.user_id == user_id)
    return bool(await connection.scalar(said))
