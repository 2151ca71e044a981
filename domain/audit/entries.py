"""Write and verify the hash-chained audit log."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import tables

PLATFORM = "platform"
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Breach:
    """A place where a chain does not hold."""

    chain: str
    sequence: int
    reason: str


def chain_of(scope_id: UUID | None) -> str:
    """The chain of a scope (a community or a market); the platform's own where there is none."""
    return PLATFORM if scope_id is None else str(scope_id)


def entry_hash(previous: bytes, entry: dict[str, Any]) -> bytes:
    """SHA-256 over the previous hash and the canonical JSON of the entry (sorted keys, no blanks, UTF-8)."""
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + canonical.encode()).digest()


def _content(entry: tables.AuditEntry) -> dict[str, Any]:
    return {
        "chain": entry.chain,
        "sequence": entry.sequence,
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor,
        "act": entry.act,
        "subject": [entry.subject_type, str(entry.subject_id) if entry.subject_id else None],
        "facts": entry.facts,
    }


async def record(
    session: AsyncSession,
    act: str,
    *,
    actor: str,
    subject: tuple[str, UUID | None],
    scope_id: UUID | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Append an entry in the caller's transaction. Writers of one chain wait for each other at its head row."""
    chain = chain_of(scope_id)
    start = insert(tables.AuditHead).values(chain=chain, sequence=0, hash=GENESIS)
    await session.execute(start.on_conflict_do_nothing())
    query = select(tables.AuditHead).where(tables.AuditHead.chain == chain).with_for_update()
    head = (await session.scalars(query.execution_options(populate_existing=True))).one()
    entry = tables.AuditEntry(
        chain=chain,
        sequence=head.sequence + 1,
        previous_hash=head.hash,
        at=datetime.now(UTC),
        actor=actor,
        act=act,
        subject_type=subject[0],
        subject_id=subject[1],
        facts=json.loads(json.dumps(facts or {}, default=str)),
    )
    entry.hash = entry_hash(head.hash, _content(entry))
    session.add(entry)
    head.sequence, head.hash = entry.sequence, entry.hash
    await session.flush()


async def verify(session: AsyncSession) -> AsyncIterator[Breach]:
    """Every place where a chain was edited, cut, reordered or truncated."""
    heads = {head.chain: head for head in await session.scalars(select(tables.AuditHead))}
    chains = set(await session.scalars(select(tables.AuditEntry.chain).distinct())) | heads.keys()
    for chain in sorted(chains):
        sequence, previous = 0, GENESIS
        query = select(tables.AuditEntry).where(tables.AuditEntry.chain == chain).order_by(tables.AuditEntry.sequence)
        async for entry in await session.stream_scalars(query.execution_options(yield_per=1_000)):
            sequence += 1
            if entry.sequence != sequence:
                yield Breach(chain, sequence, f"entry {sequence} is missing")
                sequence = entry.sequence
            if entry.previous_hash != previous or entry.hash != entry_hash(previous, _content(entry)):
                yield Breach(chain, sequence, "the entry was altered")
            previous = entry.hash
        head = heads.get(chain)
        if head is None or (head.sequence, head.hash) != (sequence, previous):
            yield Breach(chain, sequence, "the chain does not end at its recorded head")
