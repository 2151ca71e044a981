"""A request that moves money or energy carries a key, so that sending it twice does it once.

The key is stored with the digest of its input in the transaction of the effect; it is kept for 30 days.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel import sql
from domain.kernel.database import Base, CreatedAt
from domain.kernel.errors import DomainError, InvalidValue
from domain.kernel.sql import Part, Statement, Transaction
from domain.kernel.writing import Insertion

KEPT = timedelta(days=30)
KEY_MAX = 200


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


@dataclass(frozen=True, slots=True)
class Use:
    """A key as an actor uses it: for one input."""

    actor: str
    key: str
    input_digest: bytes

    @property
    def owner(self) -> tuple[str, str]:
        """What tells uses of one key by one actor from all others."""
        return self.actor, self.key


@dataclass(frozen=True, slots=True)
class Used:
    """What became of the first request with a key."""

    input_digest: bytes
    result_id: UUID
    used_at: datetime

    def again(self, use: Use) -> UUID:
        """The result, for the same request once more. Raises IdempotencyKeyReused."""
        if self.input_digest != use.input_digest:
            raise IdempotencyKeyReused(use.key, self.used_at)
        return self.result_id


class KeyState(Protocol):
    """What HELD tells of a key: whether this transaction holds it, and what its first request made, if there was one.

    A use that is known has a digest, a result and an instant; one that is not has none of them.
    """

    @property
    def is_held(self) -> bool: ...
    @property
    def input_digest(self) -> bytes | None: ...
    @property
    def result_id(self) -> UUID | None: ...
    @property
    def used_at(self) -> datetime | None: ...


class HeldKey(NamedTuple):
    """A row of HELD."""

    place: int
    is_held: bool
    input_digest: bytes | None
    result_id: UUID | None
    used_at: datetime | None
    held_at: datetime


class KeyRow(NamedTuple):
    """A key as it is stored."""

    actor: str
    key: str
    input_digest: bytes
    result_id: UUID


class FoundKey(NamedTuple):
    """A stored key, and when it was first used."""

    actor: str
    key: str
    input_digest: bytes
    result_id: UUID
    created_at: datetime


def digest(request: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON of a request."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).digest()


def check_key(key: str, longest: int = KEY_MAX) -> None:
    """Raise InvalidValue for what is no key."""
    if not 1 <= len(key) <= longest or "\x00" in key:
        raise InvalidValue(("idempotencyKey",), f"A key has 1 to {longest} characters, none of them NUL.")


async def hold(transaction: Transaction, use: Use) -> UUID | None:
    """Hold a key until the transaction ends; the result of its first use, None where this is it.

    Raises InvalidValue, IdempotencyInProgress, IdempotencyKeyReused.
    """
    check_key(use.key)
    (row,) = await FIRST.rows(transaction, held([use]))
    found = used(use, row) or (await found_now(transaction, [use])).get(use.owner)
    return None if found is None else found.again(use)


async def found_now(transaction: Transaction, uses: Sequence[Use]) -> dict[tuple[str, str], Used]:
    """What became of the first requests with keys that are held, also of those that ended as HELD took its locks.

    A statement's snapshot is older than the locks it takes, so only the next one sees all that was done under them.
    """
    rows = await FOUND.rows(transaction, held(uses))
    return {(row.actor, row.key): Used(row.input_digest, row.result_id, row.created_at) for row in rows}


async def claim(transaction: Transaction, actor: str, key: str) -> None:
    """Hold a key until the transaction ends, whatever it was used for: what follows sees all that was done with it.

    Raises InvalidValue, IdempotencyInProgress.
    """
    check_key(key)
    (row,) = await FIRST.rows(transaction, held([Use(actor, key, b"")]))
    if not row.is_held:
        raise IdempotencyInProgress(key)


async def remember(transaction: Transaction, use: Use, result_id: UUID) -> None:
    """Store a held key with its result. Raises IdempotencyInProgress: nothing may be committed then."""
    told = await sql.write(transaction, remembering({use: result_id}))
    check_remembered({use: result_id}, told.remembered)


# Holds keys until the transaction ends, and reads what is known of them: a WITH query for the statement that reads
# whatever else the requests need. One row per use, `place` from 1.
HELD = """
idempotency_held AS MATERIALIZED (
    SELECT place, pg_try_advisory_xact_lock(hashtextextended(asked.actor || chr(10) || asked.key, 0)) AS is_held,
           used.input_digest, used.result_id, used.created_at AS used_at, now() AS held_at
    FROM unnest(CAST(:idempotency_actors AS text[]), CAST(:idempotency_keys AS text[]))
         WITH ORDINALITY AS asked (actor, key, place)
    LEFT JOIN LATERAL (
        SELECT * FROM idempotency_key WHERE actor = asked.actor AND key = asked.key LIMIT 1) AS used ON true)"""


def held(uses: Sequence[Use]) -> dict[str, Any]:
    """The parameters of HELD."""
    return {"idempotency_actors": [use.actor for use in uses], "idempotency_keys": [use.key for use in uses]}


def used(use: Use, state: KeyState) -> Used | None:
    """What HELD tells of a key's first use; None where this is it. Raises IdempotencyInProgress."""
    if not state.is_held:
        raise IdempotencyInProgress(use.key)
    if state.input_digest is None or state.result_id is None or state.used_at is None:
        return None
    return Used(state.input_digest, state.result_id, state.used_at)


REMEMBERED = Insertion(
    "idempotency_remembered", KeyRow, IdempotencyKey, last="ON CONFLICT DO NOTHING RETURNING result_id"
)


def remembering(results: Mapping[Use, UUID]) -> Part:
    """Stores held keys with their results; what it tells is for `check_remembered`."""
    rows = [KeyRow(use.actor, use.key, use.input_digest, result_id) for use, result_id in results.items()]
    told = "ARRAY(SELECT result_id FROM idempotency_remembered) AS remembered"
    return Part(REMEMBERED.query, REMEMBERED.values(rows), told)


def check_remembered(results: Mapping[Use, UUID], remembered: Collection[UUID]) -> None:
    """Raise IdempotencyInProgress for a key whose first request ended between the snapshot of HELD and its lock."""
    stored = set(remembered)
    for use, result_id in results.items():
        if result_id not in stored:
            raise IdempotencyInProgress(use.key)


FOUND = Statement("""
    SELECT actor, key, input_digest, result_id, created_at FROM idempotency_key
    JOIN unnest(CAST(:idempotency_actors AS text[]), CAST(:idempotency_keys AS text[])) AS asked (actor, key)
         USING (actor, key)
""").into(FoundKey)
FIRST = Statement(f"WITH {HELD}\nSELECT * FROM idempotency_held").into(HeldKey)


async def forget_old(session: AsyncSession) -> None:
    """Delete keys that were kept long enough."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT))
