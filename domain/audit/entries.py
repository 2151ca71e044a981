"""Write and verify the hash-chained audit log."""

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text, union
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import tables
from domain.kernel import sql
from domain.kernel.sql import Part, Statement, Transaction
from domain.kernel.writing import Insertion, Rows

PLATFORM = "platform"
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that someone did, to be recorded in the chain of its scope."""

    name: str
    actor: str
    subject: tuple[str, UUID | None]
    scope_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Head(NamedTuple):
    """The end of a chain: how many entries it has, and the hash of the last."""

    chain: str
    sequence: int
    hash: bytes


class Held(NamedTuple):
    """The end of a chain that is held until commit, and when."""

    chain: str
    sequence: int
    hash: bytes
    at: datetime


class EntryRow(NamedTuple):
    """An entry as it is stored, its facts as JSON."""

    chain: str
    sequence: int
    hash: bytes
    previous_hash: bytes
    actor: str
    act: str
    subject_type: str
    subject_id: UUID | None
    facts: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A place where a chain does not hold."""

    chain: str
    sequence: int
    reason: str


def chain_of(scope_id: UUID | None) -> str:
    """The chain of a scope (a community, market or zone); the platform's own where there is none."""
    return PLATFORM if scope_id is None else str(scope_id)


def entry_hash(previous: bytes, entry: dict[str, Any]) -> bytes:
    """SHA-256 over the previous hash and the canonical JSON of the entry (sorted keys, no blanks, UTF-8)."""
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + canonical.encode()).digest()


def _content(
    chain: str,
    sequence: int,
    at: datetime,
    actor: str,
    act: str,
    subject: tuple[str, UUID | None],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """What the hash of an entry covers, beside the hash before it."""
    return {
        "chain": chain,
        "sequence": sequence,
        "at": at.astimezone(UTC).isoformat(),
        "actor": actor,
        "act": act,
        "subject": [subject[0], str(subject[1]) if subject[1] else None],
        "facts": facts,
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
    await record_many(session, [Act(act, actor, subject, scope_id, facts or {})])


async def record_many(session: AsyncSession, acts: Sequence[Act]) -> None:
    """Append an entry for each act, in their order."""
    if acts:
        await sql.write(session, await recording(session, acts))


async def recording(transaction: Transaction, acts: Sequence[Act]) -> Part:
    """Hold the heads of the chains of acts, and give the part of the caller's next statement that appends entries."""
    held = await _hold(transaction, {chain_of(act.scope_id) for act in acts})
    at = max(end.at for end in held)
    reached = {end.chain: (end.sequence, end.hash) for end in held}
    rows = []
    for act in acts:
        chain = chain_of(act.scope_id)
        sequence, previous = reached[chain]
        stored = json.dumps(act.facts, default=str)
        content = _content(chain, sequence + 1, at, act.actor, act.name, act.subject, json.loads(stored))
        reached[chain] = sequence + 1, entry_hash(previous, content)
        rows.append(EntryRow(chain, *reached[chain], previous, act.actor, act.name, *act.subject, stored))
    ends = [Head(chain, *end) for chain, end in reached.items()]
    return Part(RECORDED, ENTRIES.values(rows, at=at) | ENDS.values(ends), "true AS is_recorded")


async def _hold(transaction: Transaction, chains: Collection[str]) -> Sequence[Held]:
    """The ends of chains, and the database's time, locked in a steady order; chains are begun where there is none."""
    wanted = {"chains": sorted(chains)}
    held = await HOLD.rows(transaction, wanted)
    if len(held) < len(chains):
        await BEGIN.rows(transaction, wanted | {"genesis": GENESIS})
        held = await HOLD.rows(transaction, wanted)
    return held


HOLD = Statement("""
    SELECT chain, sequence, hash, clock_timestamp() AS at FROM audit_head WHERE chain = ANY(CAST(:chains AS text[]))
    ORDER BY chain COLLATE "C" FOR UPDATE
""").into(Held)
BEGIN = Statement("""
    INSERT INTO audit_head (chain, sequence, hash)
    SELECT chain, 0, CAST(:genesis AS bytea) FROM unnest(CAST(:chains AS text[])) AS begun (chain)
    ON CONFLICT DO NOTHING RETURNING chain
""")
ENTRIES = Insertion("audit_recorded", EntryRow, tables.AuditEntry, same=("at",))
ENDS = Rows("audit_reached", Head, tables.AuditHead)
RECORDED = f"""{ENTRIES.query},
audit_ended AS (
    UPDATE audit_head SET sequence = audit_reached.sequence, hash = audit_reached.hash
    FROM {ENDS.relation}
    WHERE audit_head.chain = audit_reached.chain)"""  # noqa: S608 - made of constants.


async def verify(session: AsyncSession) -> AsyncIterator[Breach]:
    """Every place where a chain was edited, cut, reordered or truncated."""
    chains = union(select(tables.AuditHead.chain), select(tables.AuditEntry.chain)).order_by("chain")
    async for chain in await session.stream_scalars(chains):
        async for breach in verify_chain(session, chain):
            yield breach


async def verify_chain(session: AsyncSession, chain: str) -> AsyncIterator[Breach]:
    """Every place where one chain was edited, cut, reordered or truncated, in its order.

    Entries that come meanwhile are left to the next time, so that nobody has to wait.
    """
    recorded = await head(session, chain)
    sequence, previous = 0, GENESIS
    query = select(tables.AuditEntry).where(tables.AuditEntry.chain == chain).order_by(tables.AuditEntry.sequence)
    if recorded is not None:
        query = query.where(tables.AuditEntry.sequence <= recorded[0])
    async for entry in await session.stream_scalars(query.execution_options(yield_per=200)):
        sequence += 1
        if entry.sequence != sequence:
            yield Breach(chain, sequence, f"entry {sequence} is missing")
            sequence = entry.sequence
        if entry.previous_hash != previous or entry.hash != entry_hash(previous, _stored_content(entry)):
            yield Breach(chain, sequence, "the entry was altered")
        previous = entry.hash
    if recorded != (sequence, previous) or not (await session.execute(ENDS_AT_HEAD, {"chain": chain})).scalar_one():
        yield Breach(chain, sequence, "the chain does not end at its recorded head")


# One statement, so that both are of one moment.
ENDS_AT_HEAD = text("""
    SELECT (SELECT max(sequence) FROM audit_entry WHERE chain = :chain)
           IS NOT DISTINCT FROM (SELECT nullif(sequence, 0) FROM audit_head WHERE chain = :chain)
""")


async def head(session: AsyncSession, chain: str) -> tuple[int, bytes] | None:
    """The recorded end of a chain: how many entries it has, and the hash of the last; None where it was never begun."""
    ends = select(tables.AuditHead.sequence, tables.AuditHead.hash).where(tables.AuditHead.chain == chain)
    row = (await session.execute(ends)).one_or_none()
    return None if row is None else (row.sequence, row.hash)


def _stored_content(entry: tables.AuditEntry) -> dict[str, Any]:
    subject = entry.subject_type, entry.subject_id
    return _content(entry.chain, entry.sequence, entry.at, entry.actor, entry.act, subject, entry.facts)
