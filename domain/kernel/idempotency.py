"""A request that moves money or energy carries a key, so that sending it twice does it once.

The key is stored with the digest of its input in the transaction of the effect; it is kept for 30 days.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel import sql
from domain.kernel.database import Base, CreatedAt
from domain.kernel.errors import DomainError, InvalidValue
from domain.kernel.sql import Part, Statement, Transaction

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
    check_remembered({use: result_id}, await sql.write(transaction, remembering({use: result_id})))


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


def used(use: Use, row: Any) -> Used | None:
    """What a row of HELD tells of a key's first use; None where this is it. Raises IdempotencyInProgress."""
    if not row.is_held:
        raise IdempotencyInProgress(use.key)
    return None if row.result_id is None else Used(row.input_digest, row.result_id, row.used_at)


REMEMBERED = """
idempotency_remembered AS (
    INSERT INTO idempotency_key (actor, key, input_digest, result_id)
    SELECT * FROM unnest(CAST(:idempotency_actors AS text[]), CAST(:idempotency_keys AS text[]),
                         CAST(:idempotency_digests AS bytea[]), CAST(:idempotency_results AS uuid[]))
    ON CONFLICT DO NOTHING RETURNING result_id)"""


def remembering(results: Mapping[Use, UUID]) -> Part:
    """Stores held keys with their results; what it tells is for `check_remembered`."""
    values = held(list(results)) | {
        "idempotency_digests": [use.input_digest for use in results],
        "idempotency_results": list(results.values()),
    }
    return Part(REMEMBERED, values, "ARRAY(SELECT result_id FROM idempotency_remembered) AS remembered")


def check_remembered(results: Mapping[Use, UUID], told: Any) -> None:
    """Raise IdempotencyInProgress for a key whose first request ended between the snapshot of HELD and its lock."""
    remembered = set(told.remembered)
    for use, result_id in results.items():
        if result_id not in remembered:
            raise IdempotencyInProgress(use.key)


FOUND = Statement("""
    SELECT idempotency_key.* FROM idempotency_key
    JOIN unnest(CAST(:idempotency_actors AS text[]), CAST(:idempotency_keys AS text[])) AS asked (actor, key)
         USING (actor, key)
""")
FIRST = Statement(f"WITH {HELD}\nSELECT * FROM idempotency_held")


async def forget_old(session: AsyncSession) -> None:
    """Delete keys that were kept long enough."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT))
