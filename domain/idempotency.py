"""A request that moves money or energy carries a key, so that sending it twice does it once.

The key is stored with the digest of its input in the transaction of the effect; it is kept for 30 days.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, CreatedAt
from domain.errors import DomainError

KEPT = timedelta(days=30)


class IdempotencyKey(Base):
    """A key that an actor has used, and the thing that its first request made."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)

    actor: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    result_id: Mapped[UUID]
    created_at: Mapped[CreatedAt]


class IdempotencyKeyReused(DomainError):
    """The key was used before with another input."""

    def __init__(self, key: str, used_at: datetime) -> None:
        super().__init__("This idempotency key was already used with another input.")
        self.key = key
        self.used_at = used_at


class IdempotencyInProgress(DomainError):
    """A request with this key is being carried out right now."""

    def __init__(self, key: str) -> None:
        super().__init__("A request with this idempotency key is still running.")
        self.key = key


def digest(request: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON of a request."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).digest()


async def earlier_result(session: AsyncSession, actor: str, key: str, input_digest: bytes) -> UUID | None:
    """What an earlier request with this key made, or None when this is the first; holds the key until commit.

    Raises IdempotencyKeyReused, IdempotencyInProgress.
    """
    lock = func.hashtextextended(f"{actor}\n{key}", 0)
    if not (await session.execute(select(func.pg_try_advisory_xact_lock(lock)))).scalar_one():
        raise IdempotencyInProgress(key)
    used = await session.get(IdempotencyKey, (actor, key))
    if used is None:
        return None
    if used.input_digest != input_digest:
        raise IdempotencyKeyReused(key, used.created_at)
    return used.result_id


async def remember(session: AsyncSession, actor: str, key: str, input_digest: bytes, result_id: UUID) -> None:
    """Store a key with its result, in the transaction of the effect."""
    session.add(IdempotencyKey(actor=actor, key=key, input_digest=input_digest, result_id=result_id))
    await session.flush()


async def forget_old(session: AsyncSession) -> None:
    """Delete keys that were kept long enough."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT))
