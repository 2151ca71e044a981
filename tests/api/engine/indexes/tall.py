"""Tables as tall as they are after years, for the planner: a million rows each, or fewer that it takes for a million.

Rows are made by the schema: keys count up, references spread over their table, other columns take any value that their
constraints allow. A million real rows of `trade` alone take 17 s, and there are fifteen such tables. So by default
there are 20,000 of each, analysed, and `pg_class.reltuples` then says fifty times as many: the planner multiplies that
density by the pages it finds. It believes in a million rows on the pages of 20,000, which makes reading a whole table
look cheaper than it is: what takes an index here takes it all the more when the pages are there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import asyncpg
from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Enum, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from api.engine.declarations import ENTITIES
from domain.kernel.tables import Base
from tests.api import registers
from tests.api.engine.rooms import TALL

TOLD = 1_000_000
KEY = """
CREATE FUNCTION pg_temp.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""

FIXED: Mapping[str, int] = MappingProxyType({name: rows for tall in TALL.values() for name, rows in tall.fixed.items()})
VALUES: Mapping[str, str] = MappingProxyType({name: sql for tall in TALL.values() for name, sql in tall.values.items()})
BELOW_ONE: Mapping[str, int] = MappingProxyType({name: n for tall in TALL.values() for name, n in tall.below.items()})
ROOMS = {str(mapper.local_table): registers.room_of(mapper.class_) for mapper in Base.registry.mappers}
SHAPES = {
    "MULTIPOLYGON": "ST_Multi(ST_MakeEnvelope(7 + n % 100 * 0.1, 38 + n / 100 * 0.1, 7.1 + n % 100 * 0.1, "
    "38.1 + n / 100 * 0.1, 4326))",
    "POINT": "NULL",
}


def growing() -> list[Table]:
    """The tables of entities, and those that their reads touch, that grow; referenced ones first."""
    touched = {entity.table.__table__ for entity in ENTITIES.values()}
    touched |= {table.__table__ for tall in TALL.values() for table in tall.touched}
    return [table for table in Base.metadata.sorted_tables if table in touched and table.name not in FIXED]


def read() -> list[Table]:
    """All tables that reads touch: those that grow, and those whose size is fixed."""
    return [*(table for table in Base.metadata.sorted_tables if table.name in FIXED), *growing()]


async def grow(connection: asyncpg.Connection, rows: int, tables: Sequence[Table]) -> None:
    """Fill tables, analyse them, and tell the planner of a million rows of those that grow. For a superuser."""
    await connection.execute("SET session_replication_role = replica")  # No triggers: references are as they should be.
    await connection.execute(KEY)
    for table in tables:
        await connection.execute(f"TRUNCATE {table.name} CASCADE")
    for name, below in BELOW_ONE.items():
        # Of fewer than a tenth of the rows, ANALYZE would note the number of different values, not their share.
        table_name, _, column_name = name.partition(".")
        await connection.execute(f"ALTER TABLE {table_name} ALTER {column_name} SET (n_distinct = {-1 / below:f})")
    for table in tables:
        await _fill(connection, table, rows)
        await connection.execute(f"ANALYZE {table.name}")
    await connection.execute(
        "UPDATE pg_class SET reltuples = reltuples * $1 WHERE reltuples > 0 AND (relname = ANY($2) OR oid IN "
        "(SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relname = ANY($2))))",
        TOLD / rows,
        [table.name for table in tables if table.name not in FIXED],
    )


async def _fill(connection: asyncpg.Connection, table: Table, rows: int) -> None:
    try:
        await connection.execute(insertion(table, FIXED.get(table.name, rows), rows))
    except asyncpg.PostgresError as error:
        error.add_note(f"Say what the columns of {table.name} hold: {registers.file_of(ROOMS[table.name], 'tall')}")
        raise


def insertion(table: Table, count: int, rows: int) -> str:
    """A statement that makes rows 0 to count - 1 of a table."""
    columns = [column for column in table.c if column.computed is None and column.identity is None]
    values = ", ".join(value(column, rows) for column in columns)
    names = ", ".join(column.name for column in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM generate_series(0::bigint, {count - 1}) AS n"


def value(column: Column[Any], rows: int) -> str:
    """The value of a column in row `n`, as SQL."""
    name = f"{column.table.name}.{column.name}"
    if name in VALUES:
        return VALUES[name]
    if column.primary_key and not column.foreign_keys:
        return "pg_temp.key(n)" if isinstance(column.type, Uuid) else _of_type(column)
    if isinstance(column.type, Uuid):
        return f"pg_temp.key({_reference(column, name, rows)})"
    return _of_type(column)


def _reference(column: Column[Any], name: str, rows: int) -> str:
    """The number of the row that a column leads to: some for each, spread over the table that they lead to."""
    target = next((key.column.table.name for key in column.foreign_keys), "")
    size = FIXED.get(target, rows)
    # Fewer rows below fewer parents, so that what ANALYZE finds most common is no more common than in a million.
    below = max(1, BELOW_ONE.get(name, 1) * rows // TOLD)
    return f"n / {below} % {size}"


def _of_type(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, Enum):
        return f"'{next(iter(kind.enum_class))}'" if kind.enum_class else "''"
    if isinstance(kind, DateTime | Date):
        ends = column.nullable and column.name.endswith(("_to", "_at"))
        unit = "day" if isinstance(kind, Date) else "minute"
        day = "n % 9000" if isinstance(kind, Date) else "n"
        return "NULL" if ends else f"timestamptz '2026-01-01Z' + {day} * interval '1 {unit}' + {_later(column)}"
    if isinstance(kind, Geometry):
        return SHAPES[kind.geometry_type]
    for type_, text in TEXTS:
        if isinstance(kind, type_):
            return text
    return "1 + n" if column.name in {"version", "batch"} else "1"


def _later(column: Column[Any]) -> str:
    return "interval '15 minutes'" if column.name.endswith("_end") else "interval '0'"


TEXTS: tuple[tuple[Any, str], ...] = (
    (Text, "'text ' || n"),
    (ARRAY, "'{MEMBER}'"),
    (JSONB, "'{}'"),
    (Boolean, "true"),
    (LargeBinary, "sha256(n::text::bytea)"),
)


@dataclass(frozen=True, order=True)
class Scan:
    """How a plan reads a table: by which index, if any, and on what condition."""

    table: str
    kind: str
    index: str
    condition: str

    @property
    def is_sought(self) -> bool:
        """Whether an index leads to the rows of one value, or of some: not to all rows, in its order or in none."""
        return " = " in self.condition


def scans(plan: Mapping[str, Any], table: str = "") -> Iterator[Scan]:
    """The scans of a plan. Of a bitmap they are those of its indexes."""
    table = plan.get("Relation Name", table)
    kind = plan["Node Type"]
    if kind.endswith("Scan") and kind != "Bitmap Heap Scan" and table and not kind.startswith(PASSING):
        yield Scan(table, kind, plan.get("Index Name", ""), plan.get("Index Cond", ""))
    for child in plan.get("Plans", ()):
        yield from scans(child, table if kind in BITMAPS else "")


PASSING = ("Subquery", "CTE", "Function", "Values", "Named", "Work")
BITMAPS = frozenset({"Bitmap Heap Scan", "BitmapAnd", "BitmapOr"})
