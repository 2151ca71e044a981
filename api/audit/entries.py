"""Entries of the audit log over GraphQL: search them, and verify a chain.

Entries are no nodes: an entry is named by its chain and number, and chains are read by who may audit them.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.connections import Connection
from api.engine.declarations import parse_id
from api.graphql import lists
from api.graphql.context import Context, Info
from api.graphql.lists import AFTER, BEFORE, FIRST, LAST, plain
from api.graphql.periods import PeriodInput
from api.graphql.scalars import DateTime
from api.transport.limits.reads import some
from api.transport.terms.errors import BadUserInput, Forbidden
from domain.audit import entries, search
from domain.audit.search import Criteria, Place
from domain.identity.viewers import Viewer
from domain.market.places import scopes

TEXT_MAX = 200
SCOPES = ("Community", "Market", "MarketZone")
VERIFIED_MAX = 100_000


@strawberry.type(
    description="One change of state. For administrators of the platform, of a community its administrators, of a zone "
    "and its market the zone's grid operator."
)
class AuditEntry:
    chain: str = strawberry.field(
        description="The chain it stands in: the key of a community, market or zone, or `platform`."
    )
    sequence: int = strawberry.field(description="Its number in the chain, from 1 without gaps.")
    at: DateTime = strawberry.field(description="When it was recorded.")
    actor: str = strawberry.field(
        description="Who did it: `user:` or `key:` and a key, `job:` and a key, `clock`, `platform` and the like."
    )
    act: str = strawberry.field(description="What was done, such as order.place.")
    subject_type: str = strawberry.field(description="What kind of thing it was done to, such as Order.")
    subject_id: strawberry.ID | None = strawberry.field(description="Id of the thing; null where it has none.")
    facts: str = strawberry.field(description="What else is known, as JSON; energies and money in millionths.")
    hash: str = strawberry.field(description="SHA-256 of the entry and the hash before it, hexadecimal.")
    previous_hash: str = strawberry.field(
        description="Hash of the entry before it, hexadecimal; zeros before the first."
    )


@strawberry.type(description="A place where a chain does not hold.")
class AuditBreach:
    sequence: int = strawberry.field(description="Number of the entry.")
    reason: str = strawberry.field(description="What is wrong.")


@strawberry.type(description="What came of computing a chain's hashes anew.")
class AuditVerification:
    entries_count: int = strawberry.field(description="How many entries its head says it has.")
    head_hash: str | None = strawberry.field(
        description="Hash of its last entry as its head says, hexadecimal; null where nothing was recorded yet."
    )
    is_intact: bool = strawberry.field(description="Whether nothing was edited, removed, reordered or cut off.")
    first_breach: AuditBreach | None = strawberry.field(description="The first place that does not hold.")


@strawberry.input(description="Which entries; all the given conditions must hold.")
class AuditEntryFilter:
    scope_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Those of a community, market or zone, by its id, or the text `platform`. Left out, those of all: "
        "for administrators of the platform only.",
    )
    actor: str | None = strawberry.field(default=None, description="Those of exactly this actor.")
    act: str | None = strawberry.field(
        default=None, description="Those of this act; one that ends in a dot stands for all that begin with it."
    )
    subject_id: strawberry.ID | None = strawberry.field(default=None, description="Those about a thing, by its id.")
    period: PeriodInput | None = strawberry.field(default=None, description="Those recorded in a period.")


SCOPE = Annotated[
    strawberry.ID,
    strawberry.argument(description="Id of a community, market or zone, or the text `platform`."),
]
FILTER = Annotated[
    AuditEntryFilter | None, strawberry.argument(description="Only what matches all the given conditions.")
]


@strawberry.type
class AuditQueries:
    @strawberry.field(
        description="Entries of the audit log, oldest first: in a chain by number, in all by time. FORBIDDEN where the "
        "caller may not audit the scope. At most 100 a page."
    )
    async def audit_entries(
        self,
        info: Info,
        filter: FILTER = None,
        first: FIRST = None,
        after: AFTER = None,
        last: LAST = None,
        before: BEFORE = None,
    ) -> Connection[AuditEntry]:
        given = filter or AuditEntryFilter()
        criteria = _criteria(given)
        asked = lists.asked(first, after, last, before, _place)
        scope_id = None if given.scope_id is None else scope_of(given.scope_id)
        await require(info.context, info.context.caller, scope_id)
        async with info.context.database.reading() as connection:
            rows = await search.page(
                connection, criteria, asked.size + 1, beyond=asked.beyond, is_backward=asked.is_backward
            )

        async def count() -> int:
            async with info.context.database.reading() as connection:
                return await search.count(connection, criteria)

        return lists.connection(asked, rows, _cursor, _shown, count)

    @strawberry.field(
        metadata=some(30_000),
        description="Compute a chain's hashes anew; of at most 100000 entries, else by `startVerification`. FORBIDDEN "
        "where the caller may not audit the scope.",
    )
    async def audit_verification(self, info: Info, scope_id: SCOPE) -> AuditVerification:
        key = scope_of(scope_id)
        await require(info.context, info.context.caller, key)
        async with info.context.database.transaction() as session:
            return await _verified(session, entries.chain_of(key))


async def require(context: Context, viewer: Viewer, scope_id: UUID | None) -> None:
    """Raises Forbidden where the viewer may not audit a scope, whether there is such a thing or not."""
    async with context.database.transaction() as session:
        if not await scopes.may_audit(session, viewer, scope_id):
            raise Forbidden("You may not read this part of the audit log.")


def scope_of(id: str) -> UUID | None:
    """The key of a scope; None for the platform's own. Raises BadUserInput."""
    if id == entries.PLATFORM:
        return None
    parsed = parse_id(id)
    if parsed is None or parsed[0] not in SCOPES:
        raise BadUserInput(f"scopeId is the id of a {', '.join(SCOPES)}, or `platform`.", argument="scopeId")
    return parsed[1]


async def _verified(session: AsyncSession, chain: str) -> AuditVerification:
    head = await entries.head(session, chain)
    count = 0 if head is None else head[0]
    if count > VERIFIED_MAX:
        raise BadUserInput(f"The chain has more than {VERIFIED_MAX} entries.", argument="scopeId", maximum=VERIFIED_MAX)
    breach = await anext(aiter(entries.verify_chain(session, chain)), None) if head is not None else None
    return AuditVerification(
        entries_count=count,
        head_hash=None if head is None else head[1].hex(),
        is_intact=breach is None,
        first_breach=None if breach is None else AuditBreach(sequence=breach.sequence, reason=breach.reason),
    )


def _criteria(given: AuditEntryFilter) -> Criteria:
    chain = None if given.scope_id is None else entries.chain_of(scope_of(given.scope_id))
    return Criteria(
        chain=chain,
        actor=plain(given.actor, "actor", TEXT_MAX),
        act=plain(given.act, "act", TEXT_MAX),
        subject=_subject(given.subject_id),
        period=None if given.period is None else given.period.span(),
    )


def _subject(id: str | None) -> tuple[str, UUID] | None:
    parsed = None if id is None else parse_id(id)
    if id is not None and parsed is None:
        raise BadUserInput("subjectId is not an id of this API.", argument="subjectId")
    return parsed


def _cursor(row: Any) -> str:
    return f"AUDIT:{row.chain}:{row.sequence}:{row.at.astimezone(UTC).isoformat()}"


def _place(cursor: str) -> Place:
    """Raises ValueError."""
    kind, chain, sequence, at = cursor.split(":", 3)
    place = Place(datetime.fromisoformat(at), chain, int(sequence))
    if kind != "AUDIT" or "\x00" in chain or place.at.tzinfo is None or not 0 <= place.sequence < 2**63:
        raise ValueError(cursor)
    return place


def _shown(row: Any) -> AuditEntry:
    subject_id = None if row.subject_id is None else strawberry.ID(f"{row.subject_type}:{row.subject_id}")
    return AuditEntry(
        chain=row.chain,
        sequence=row.sequence,
        at=DateTime(row.at),
        actor=row.actor,
        act=row.act,
        subject_type=row.subject_type,
        subject_id=subject_id,
        facts=orjson.dumps(row.facts, option=orjson.OPT_SORT_KEYS).decode(),
        hash=row.hash.hex(),
        previous_hash=row.previous_hash.hex(),
    )
