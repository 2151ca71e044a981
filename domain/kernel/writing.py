"""Typed rows that statements write: one array per column, `unnest`ed, which is the quickest way to store many.

A row is a NamedTuple whose fields are columns of its table. The text that names the columns and casts the arrays is
made from both, once; so a column is added in its table and in the row, and nowhere else. What a row leaves out, the
database fills in: a default, or NULL.

    class NoticeRow(NamedTuple): ...
    TOLD = Insertion("notice_told", NoticeRow, Notice)
    await sql.write(transaction, TOLD.part(rows), ...)
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic

from sqlalchemy import JSON, Column, Table
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from domain.kernel import sql
from domain.kernel.database import Base
from domain.kernel.sql import Part, Row, Transaction

NOTHING: Mapping[str, str] = MappingProxyType({})


class Rows(Generic[Row]):
    """Rows of a type within a statement, as a relation: `unnest` of an array per field, under a name of its own.

    Fields are columns of the table; `beside` gives the SQL types of those that are not. Enums and JSON travel as text.

    relation: what stands in FROM.
    columns: the fields that are columns of the table, as INSERT lists them.
    selected: the same as SELECT lists them, JSON being made of its text.
    """

    def __init__(self, name: str, row: type[Row], table: type[Base], beside: Mapping[str, str] = NOTHING) -> None:
        known = _table(table).c
        types = {field: beside[field] if field in beside else _sent_as(known[field]) for field in row._fields}
        stored = [field for field in row._fields if field not in beside]
        self.name = name
        self._parameters = tuple(f"{name}_{field}" for field in row._fields)
        arrays = (f"CAST(:{name}_{field} AS {type}[])" for field, type in types.items())
        self.relation = f"unnest({', '.join(arrays)}) AS {name} ({', '.join(types)})"
        self.columns = ", ".join(stored)
        self.selected = ", ".join(_selected(name, known[field]) for field in stored)

    def values(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The arrays of rows, by parameter."""
        if not rows:
            return {parameter: [] for parameter in self._parameters}
        return dict(zip(self._parameters, map(list, zip(*rows, strict=True)), strict=True))


class Insertion(Generic[Row]):
    """Rows inserted into a table, by a WITH query of its name or in a statement of its own.

    `same` names columns that have one value in all rows; `last` is what follows the SELECT, such as ON CONFLICT. Each
    column that must be told is in the row or the same.
    """

    def __init__(
        self, name: str, row: type[Row], table: type[Base], *, same: Sequence[str] = (), last: str = ""
    ) -> None:
        self.rows = Rows(name, row, table)
        self._same = {column: f"{name}_{column}" for column in same}
        known = _table(table)
        missing = [c.name for c in known.c if _must_be_told(c) and c.name not in (*row._fields, *same)]
        assert not missing, f"{row.__name__} leaves out {', '.join(missing)} of {known.name}"
        columns = ", ".join((self.rows.columns, *same))
        once = (f"CAST(:{name}_{column} AS {_sent_as(known.c[column])})" for column in same)
        selected = ", ".join((self.rows.selected, *once))
        self.query = f"""
{name} AS (
    INSERT INTO {known.name} ({columns})
    SELECT {selected}
    FROM {self.rows.relation} {last})"""  # noqa: S608 - made of constants.

    def values(self, rows: Sequence[Row], **same: object) -> dict[str, Any]:
        """The parameters of `query`."""
        return self.rows.values(rows) | {self._same[column]: value for column, value in same.items()}

    def part(self, rows: Sequence[Row], **same: object) -> Part:
        """Stores rows; gives the part of the caller's next statement."""
        return Part(self.query, self.values(rows, **same), f"true AS {self.rows.name}")

    async def write(self, transaction: Transaction, rows: Sequence[Row], **same: object) -> None:
        """Store rows, if there are any, by one statement."""
        if rows:
            await sql.write(transaction, self.part(rows, **same))


def _table(table: type[Base]) -> Table:
    known = table.__table__
    assert isinstance(known, Table)
    return known


def _sent_as(column: Column[Any]) -> str:
    """The SQL type as which a column's values are sent. Text has no length, by which a cast would cut it off.

    A key of another table has no type before that table is imported; all of them are ids.
    """
    if column.foreign_keys:
        return "uuid"
    type: str = column.type.compile(dialect()).lower()  # type: ignore[no-untyped-call]
    return "text" if isinstance(column.type, JSON) or type.startswith("varchar") else type


def _selected(name: str, column: Column[Any]) -> str:
    """A column of sent rows as its table takes it."""
    if isinstance(column.type, JSON):
        return f"CAST({name}.{column.name} AS {column.type.compile(dialect()).lower()})"  # type: ignore[no-untyped-call]
    return f"{name}.{column.name}"


def _must_be_told(column: Column[Any]) -> bool:
    return not column.nullable and column.server_default is None
