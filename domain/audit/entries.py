"""Write and verify the hash-chained audit log."""

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import tables
from domain.kernel import sql
from domain.kernel.sql import Part, Statement, Transaction

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
    at, reached = datetime.now(UTC), await _hold(transaction, {chain_of(act.scope_id) for act in acts})
    columns: list[tuple[Any, ...]] = []
    for act in acts:
        chain = chain_of(act.scope_id)
        sequence, previous = reached[chain]
        stored = json.dumps(act.facts, default=str)
        content = _content(chain, sequence + 1, at, act.actor, act.name, act.subject, json.loads(stored))
        reached[chain] = sequence + 1, entry_hash(previous, content)
        columns.append((chain, *reached[chain], previous, act.actor, act.name, *act.subject, stored))
    ends = [(chain, *end) for chain, end in reached.items()]
    values = {"audit_at": at} | _by_column(ENTRY, columns) | _by_column(END, ends)
    return Part(RECORDED, values, "true AS is_recorded")


async def _hold(transaction: Transaction, chains: Collection[str]) -> dict[str, tuple[int, bytes]]:
    """Sequence and hash of the ends of chains, locked in a steady order; chains are begun where there is none."""
    wanted = {"chains": sorted(chains)}
    held = await HOLD.rows(transaction, wanted)
    if len(held) < len(chains):
        await BEGIN.rows(transaction, wanted | {"genesis": GENESIS})
        held = await HOLD.rows(transaction, wanted)
    return {chain: (sequence, hash) for chain, sequence, hash in held}


def _by_column(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


HOLD = Statement("""
    SELECT chain, sequence, hash FROM audit_head WHERE chain = ANY(CAST(:chains AS text[]))
    ORDER BY chain COLLATE "C" FOR UPDATE
""")
BEGIN = Statement("""
    INSERT INTO audit_head (chain, sequence, hash)
    SELECT chain, 0, CAST(:genesis AS bytea) FROM unnest(CAST(:chains AS text[])) AS begun (chain)
    ON CONFLICT DO NOTHING RETURNING chain
""")
ENTRY = (
    "audit_chains",
    "audit_sequences",
    "audit_hashes",
    "audit_previous_hashes",
    "audit_actors",
    "audit_acts",
    "audit_subject_types",
    "audit_subject_ids",
    "audit_facts",
)
END = ("audit_ended_chains", "audit_end_sequences", "audit_end_hashes")
RECORDED = """
audit_recorded AS (
    INSERT INTO audit_entry (at, chain, sequence, hash, previous_hash, actor, act, subject_type, subject_id, facts)
    SELECT CAST(:audit_at AS timestamptz), chain, sequence, hash, previous_hash, actor, act, subject_type, subject_id,
           CAST(facts AS jsonb)
    FROM unnest(CAST(:audit_chains AS text[]), CAST(:audit_sequences AS bigint[]), CAST(:audit_hashes AS bytea[]),
                CAST(:audit_previous_hashes AS bytea[]), CAST(:audit_actors AS text[]), CAST(:audit_acts AS text[]),
                CAST(:audit_subject_types AS text[]), CAST(:audit_subject_ids AS uuid[]), CAST(:audit_facts AS text[]))
         AS entry (chain, sequence, hash, previous_hash, actor, act, subject_type, subject_id, facts)),
audit_ended AS (
    UPDATE audit_head SET sequence = reached.sequence, hash = reached.hash
    FROM unnest(CAST(:audit_ended_chains AS text[]), CAST(:audit_end_sequences AS bigint[]),
                CAST(:audit_end_hashes AS bytea[])) AS reached (chain, sequence, hash)
    WHERE audit_head.chain = reached.chain)"""


async def verify(session: AsyncSession) -> AsyncIterator[Breach]:
    """Every place where a chain was edited, cut, reordered or truncated."""
    heads = set(await session.scalars(select(tables.AuditHead.chain)))
    chains = set(await session.scalars(select(tables.AuditEntry.chain).distinct())) | heads
    for chain in sorted(chains):
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
