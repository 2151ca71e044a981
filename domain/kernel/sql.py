"""Statements for the busiest writers: on sessions and on bare connections, and made of parts of several contexts.

A bare connection does without SQLAlchemy's session, unit of work and results, which cost as much as placing an order.
Rows that many transactions want stay locked from the first statement that takes them until COMMIT; the fewer round
trips lie between, the more transactions fit into a second. So contexts bring parts, and one statement writes them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession

Transaction: TypeAlias = AsyncSession | asyncpg.Connection


class _Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes, as those of SQLAlchemy are."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return self[name]


class Statement:
    """A text with parameters `:so`, each cast to its type where PostgreSQL would not know it."""

    def __init__(self, written: str) -> None:
        self._clause = text(written)
        compiled = self._clause.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())

    async def rows(self, transaction: Transaction, values: Mapping[str, Any]) -> Sequence[Any]:
        """Carry it out, after what a session still holds back; gives its rows."""
        if isinstance(transaction, AsyncSession):
            await transaction.flush()
            return (await (await transaction.connection()).execute(self._clause, values)).all()
        given = [values[name] for name in self._names]
        rows: Sequence[Any] = await transaction.fetch(self._sql, *given, record_class=_Row)
        return rows


@dataclass(frozen=True, slots=True)
class Part:
    """Writing WITH queries of one context, and what the statement tells of them.

    All parts of a statement are carried out, in no certain order and not seeing each other's rows. Names of queries,
    parameters and told columns are the statement's, so each part begins its own with a word of its context.
    """

    queries: str
    values: Mapping[str, Any] = field(repr=False)
    told: str


async def write(transaction: Transaction, *parts: Part) -> Any:
    """Carry out parts as one statement; gives the row of what they tell."""
    values = {name: value for part in parts for name, value in part.values.items()}
    (told,) = await _joined(tuple((part.queries, part.told) for part in parts)).rows(transaction, values)
    return told


@lru_cache(maxsize=64)
def _joined(parts: tuple[tuple[str, str], ...]) -> Statement:
    queries, told = (",\n".join(texts) for texts in zip(*parts, strict=True))
    return Statement(f"WITH {queries}\nSELECT {told}")
