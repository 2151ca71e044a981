"""Rows as odd as the constraints of the tables allow: what a writer of JSON, a cursor or a NULL may stumble over.

Over a crowd of plain rows some are changed, one column at a time, so that each column has odd values somewhere. What
a constraint refuses stays as it was. Append-only tables are changed with their triggers off, by their owner.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.engine.declarations import ENTITIES
from api.resources.database import Database
from tests.api.engine.rooms import READS

ROWS_OF_EACH = 16
INT64_MAX = 2**63 - 1

TEXTS = (
    "",
    " ",
    'quo"te',
    "apo'strophe",
    "back\\slash \\u0041 \\n",
    "".join(map(chr, range(1, 32))),
    "\x7f\x80\x9f",
    "Åsa Ñandú 東京 עברית",
    "👩‍👩‍👧 ⚡ \U0001f50c",
    "line\u2028para\u2029graph \ufeff\ufffd",
    "</script><!-- & %s %(x)s :name $1 {} --",
    "long " * 60,
)
MICROS = (0, 1, -1, 10, 999_999, 1_000_000, 1_500_000, -1_000_001, INT64_MAX, -INT64_MAX, -INT64_MAX - 1, 1_000)
INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31), 3)
SMALL = (0, 1, 2, 2**15 - 1)
FLOATS = (0.0, 1.0, 0.1, 1 / 3, 1e-300, 5e-324, 0.30000000000000004, 1 - 2**-53, 1e-05, 0.0001)
INSTANTS = (
    datetime(2, 1, 1, tzinfo=UTC),
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, 0, 120_000, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
DAYS = (date(2, 1, 1), date(999, 2, 28), date(2024, 2, 29), date(9998, 12, 31))
LISTS = ((), ("",), ('a"b', "c\\d", "é", "{x,y}", "NULL", "a,b"), ("🔌",))
SHAPES = ("POINT(-180 -90)", "POINT(180 90)", "POINT(0.0000004 -0.1234567)", "POINT(10.95 44.65)")

VALUES: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (Uuid, ()),
    (Boolean, (True, False)),
    (BigInteger, MICROS),
    (SmallInteger, SMALL),
    (Integer, INTEGERS),
    (Float | Double, FLOATS),
    (DateTime, INSTANTS),
    (Date, DAYS),
    (ARRAY, LISTS),
)

KEPT = frozenset[str]().union(*(reads.kept for reads in READS.values()))


async def make_odd(owner: Database) -> dict[str, int]:
    """Change some rows of every entity; how many values of each column were changed."""
    changed: dict[str, int] = {}
    random = Random(2026)
    async with owner.engine.begin() as connection:
        tables = {entity.table.__table__ for entity in ENTITIES.values()}
        for table in sorted(tables, key=str):
            await connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
            ids = list(await connection.scalars(table.select().with_only_columns(table.c.id).order_by(table.c.id)))
            some = random.sample(ids, min(len(ids), ROWS_OF_EACH))
            for column in table.c:
                values = list(odd_values(column))
                random.shuffle(values)
                pairs = [
                    {"row": id, "value": _stored(column, value, number)}
                    for number, (id, value) in enumerate(zip(some, values * ROWS_OF_EACH, strict=False))
                ]
                if pairs:
                    changed[f"{table.name}.{column.name}"] = await _set(connection, column, pairs)
            await connection.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))
    return changed


def odd_values(column: Column[Any]) -> Iterable[Any]:
    """Values to try in a column."""
    if column.computed is not None or column.primary_key or f"{column.table.name}.{column.name}" in KEPT:
        return ()
    return (*_of_type(column.type), *([None] if column.nullable else []))


def _of_type(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, Geometry):
        return tuple(f"SRID=4326;{shape}" for shape in SHAPES) if kind.geometry_type == "POINT" else ()
    if isinstance(kind, Enum):
        return tuple(kind.enum_class) if kind.enum_class else ()
    if isinstance(kind, Text):
        return TEXTS
    return next((values for type_, values in VALUES if isinstance(kind, type_)), ())


def _stored(column: Column[Any], value: Any, number: int) -> Any:
    if column.unique and isinstance(value, str):
        return f"{value}{number}"
    return list(value) if isinstance(value, tuple) else value


async def _set(connection: AsyncConnection, column: Column[Any], pairs: list[dict[str, Any]]) -> int:
    """How many of the values are there now."""
    table = column.table
    statement = update(table).where(table.c.id == bindparam("row")).values({column: bindparam("value")})
    try:
        async with connection.begin_nested():
            await connection.execute(statement, pairs)
    except DBAPIError:  # A constraint says that one of them cannot be.
        return 0 if len(pairs) == 1 else sum([await _set(connection, column, [pair]) for pair in pairs])
    return len(pairs)
