"""Find work that failed for good or waits to be announced, page by page, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.failures.sorts import SHOWN, SORTS, WorkSort

COUNTED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class FailedWork:
    """Work that failed or waits; `at` is since when. Its id is the name of its type and its key."""

    id: str
    kind: str
    community: str | None
    reason: str
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which work; all the given conditions must hold."""

    kind: str | None = None
    community_id: UUID | None = None
    since: datetime | None = None
    reason: str | None = None

    def values(self) -> dict[str, Any]:
        """As parameters of MATCHES."""
        community = None if self.community_id is None else str(self.community_id)
        return {"kind": self.kind, "community": community, "since": self.since, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list."""

    at: datetime
    id: str


MATCHES = """(CAST(:kind AS text) IS NULL OR kind = :kind)
    AND (CAST(:community AS text) IS NULL OR community = :community)
    AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:reason AS text) IS NULL OR reason = :reason)"""


async def page(
    connection: AsyncConnection,
    sort: WorkSort,
    criteria: Criteria,
    size: int,
    beyond: Place | None = None,
    *,
    is_backward: bool = False,
) -> Sequence[FailedWork]:
    """So many pieces of work after a place, the newest first; backward those before it, the nearest first."""
    than, order = (">", "ASC") if is_backward else ("<", "DESC")
    query = f"""SELECT * FROM ({SORTS[sort].found}) AS work
        WHERE {MATCHES} AND (CAST(:at AS timestamptz) IS NULL OR (at, id) {than} (:at, CAST(:id AS text)))
        ORDER BY at {order}, id {order} LIMIT :size"""  # noqa: S608 - made of constants.
    place = {"at": None, "id": None} if beyond is None else {"at": beyond.at, "id": beyond.id}
    rows = await connection.execute(text(query), criteria.values() | place | {"size": size})
    return [FailedWork(**row) for row in rows.mappings()]


async def count(connection: AsyncConnection, sort: WorkSort, criteria: Criteria) -> int:
    """How many there are, as far as COUNTED_MAX."""
    query = f"""SELECT count(*) FROM (SELECT FROM ({SORTS[sort].found}) AS work WHERE {MATCHES} LIMIT :size)
        AS counted"""  # noqa: S608 - made of constants.
    return int((await connection.execute(text(query), criteria.values() | {"size": COUNTED_MAX})).scalar_one())


async def shown(connection: AsyncConnection, id: str) -> Mapping[str, Any] | None:
    """What is known of a piece of work, failed or not; None where there is none of this id."""
    named, _, key = id.partition(":")
    if named not in SHOWN:
        return None
    table, column, kind, columns = SHOWN[named]
    if kind == "uuid" and not is_key(key):
        return None
    query = f"SELECT {columns} FROM {table} WHERE {column} = CAST(:key AS {kind})"  # noqa: S608 - made of constants.
    row = (await connection.execute(text(query), {"key": key})).mappings().one_or_none()
    return None if row is None else {"id": id, **row}


def is_key(key: str) -> bool:
    """Whether it is a key as ids have it."""
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False
