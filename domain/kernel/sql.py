"""Statements for the busiest writers: on sessions and on bare connections, and made of parts of several contexts.

A bare connection does without SQLAlchemy's session, unit of work and results, which cost as much as placing an order.
Rows that many transactions want stay locked from the first statement that takes them until COMMIT; the fewer round
trips lie between, the more transactions fit into a second. So contexts bring parts, and one statement writes them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession

Transaction: TypeAlias = AsyncSession | asyncpg.Connection
Row = TypeVar("Row", bound=NamedTuple)
Found = TypeVar("Found")


class _Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes, as those of SQLAlchemy are."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return self[name]


class Statement(Generic[Found]):
    """A text with parameters `:so`, each cast to its type where PostgreSQL would not know it."""

    def __init__(self: "Statement[Any]", written: str) -> None:
        self._clause = text(written)
        compiled = self._clause.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._row: type[Any] | None = None
        self._is_checked = False

    def into(self, row: type[Row]) -> "Statement[Row]":
        """The same with typed rows: a NamedTuple of the selected columns in their order, as the first use shows.

        Values are as the driver gives them: enums as text, sums of bigint as Decimal.
        """
        typed: Statement[Any] = copy(self)
        typed._row = row
        return typed

    async def rows(self, transaction: Transaction, values: Mapping[str, Any]) -> Sequence[Found]:
        """Carry it out, after what a session still holds back; gives its rows."""
        if isinstance(transaction, AsyncSession):
            await transaction.flush()
            found = await (await transaction.connection()).execute(self._clause, values)
            return self._typed(found.all(), found.keys())
        given = [values[name] for name in self._names]
        rows: Sequence[Any] = await transaction.fetch(self._sql, *given, record_class=_Row)
        return self._typed(rows, rows[0].keys()) if rows else rows

    def _typed(self, rows: Sequence[Any], columns: Iterable[str]) -> Sequence[Any]:
        if self._row is None:
            return rows
        if not self._is_checked:
            fields, selected = self._row._fields, tuple(columns)
            assert selected == fields, f"{self._row.__name__} is of {fields}, its statement selects {selected}"
            self._is_checked = True
        return list(map(self._row._make, rows))


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
def _joined(parts: tuple[tuple[str, str], ...]) -> Statement[Any]:
    queries, told = (",\n".join(texts) for texts in zip(*parts, strict=True))
    return Statement(f"WITH {queries}\nSELECT {told}")
