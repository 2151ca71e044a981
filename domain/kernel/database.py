"""SQLAlchemy base, names of constraints and column types shared by all contexts.

Decision, 2026-11-20: ids are UUID version 7, made by the application: they sort by time of creation, so one
index serves `ORDER BY id` and keyset cursors, and tell nothing of how many rows there are. Their time is the database's
(`Ids`). Who follows what is committed goes by numbers of events (`domain.events`), which alone miss nothing of
transactions that run side by side.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, NewType, TypeVar
from uuid import UUID

import uuid_utils
from asyncpg.pgproto.pgproto import UUID as QuickUuid  # noqa: N811 - a class.
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Enum,
    MetaData,
    Uuid,
    any_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import DeclarativeBase, mapped_column

Row = TypeVar("Row")
ROWS_AT_ONCE = 500

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


BACK_MAX = 4_096_000  # A second, in 4,096ths of milliseconds.
# A whole number of micro-units: 64 bits in the database.
Micro = NewType("Micro", int)


class Base(DeclarativeBase):
    """All tables of the platform share one metadata, so that migrations see them together."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = MappingProxyType({datetime: DateTime(timezone=True), UUID: Uuid(), Micro: BigInteger()})


async def clock(transaction: AsyncSession | AsyncConnection) -> datetime:
    """The database's time, UTC: when the transaction began. What ends or begins by the clock goes by this one."""
    at: datetime = (await transaction.execute(select(func.now()))).scalar_one()
    return at


class Ids:
    """What ids begin with: the time that a process was told to take, so that ids of all processes follow each other."""

    at_ns: Callable[[], int] = time.time_ns  # The database's, once a process knows it (`api.resources.clock`).
    last = 0

    @classmethod
    def next(cls) -> bytes:
        """The next one: 48 bits of milliseconds, 12 of their fractions (RFC 9562, 6.2, method 3), 62 at random.

        Those of a process grow, also where its time was moved back a little; where it was by more, they follow it.
        """
        tick = cls.at_ns() * 4_096 // 1_000_000
        if cls.last - BACK_MAX < tick <= cls.last:
            tick = cls.last + 1
        cls.last = tick
        return ((tick >> 12) << 16 | 0x7000 | tick & 0xFFF).to_bytes(8) + uuid_utils.uuid4().bytes[8:]


def new_id() -> UUID:
    """A fresh UUID version 7."""
    return UUID(bytes=Ids.next())


def new_ids(count: int) -> list[UUID]:
    """Fresh ids of many rows, in their order: a UUID version 7 with its last 32 bits counting up, 2^32 at most.

    They are asyncpg's UUIDs, which take a fifth of the time to make.
    """
    high = Ids.next()[:12]
    return [QuickUuid(high + number.to_bytes(4, "big")) for number in range(count)]


def text_enum(values: type[Any], name: str | None = None) -> Enum:
    """A StrEnum stored as text with a CHECK: adding a value is an additive change, not a type migration.

    `name` names the check where a table has two columns of one enum.
    """
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda kind: [member.value for member in kind],
        name=name or values.__name__.lower(),
    )


def text_enums(column: str, values: type[Any]) -> CheckConstraint:
    """The check of a text array that holds values of a StrEnum, and no null."""
    return CheckConstraint(text_enums_check(column, values), name=f"known_{column}")


def text_enums_check(column: str, values: type[Any]) -> str:
    """The condition of that check."""
    return f"{column} <@ ARRAY[{', '.join(repr(member.value) for member in values)}]"


def among(column: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column's value is one of the given, which are one argument: a driver takes at most 32,767 of them."""
    given = bindparam(None, list(values), type_=ARRAY(column.type), unique=True)
    return column == any_(given)  # type: ignore[no-any-return]


def among_rows(columns: Sequence[Any], rows: Collection[Sequence[Any]]) -> ColumnElement[bool]:
    """Whether the values of columns are together one of the given rows, which are one argument a column."""
    given = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [
        bindparam(None, list(values), type_=ARRAY(column.type), unique=True)
        for column, values in zip(columns, given, strict=True)
    ]
    return tuple_(*columns).in_(select(*(func.unnest(array) for array in arrays)))


Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


async def by_turns(rows: Iterable[Row], at_once: int = ROWS_AT_ONCE) -> AsyncIterator[Row]:
    """Each of many rows; now and then others are served, for whom ten thousand at once would be a long wait."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % at_once == 0:
            await asyncio.sleep(0)
