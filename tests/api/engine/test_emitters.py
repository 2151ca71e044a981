"""Only what a declaration proves may be written by the database."""

import random
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.emitters import Refused, emitter, is_never_null
from api.engine.fields import enums
from api.engine.selections import refusals
from api.graphql.scalars import SCALARS, Micro
from api.graphql.scalars import DateTime as Instant
from api.graphql.schema import make_schema
from domain.kernel.database import text_enum, text_enums
from tests.api import registers
from tests.api.authorization import paths
from tests.api.engine.rooms import READS


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


class Odd(StrEnum):
    RED = "red"


COLOUR = GraphQLEnumType("Colour", Colour)
DECIMAL = GraphQLScalarType("Decimal")
INSTANT = GraphQLScalarType("DateTime")
THING = Table(
    "thing",
    MetaData(),
    Column("name", Text, nullable=False),
    Column("note", Text),
    Column("count", Integer, nullable=False),
    Column("energy_ukwh", BigInteger, nullable=False),
    Column("share", Double, nullable=False),
    Column("bounded", Double, nullable=False),
    Column("price", Numeric, nullable=False),
    Column("colour", text_enum(Colour), nullable=False),
    Column("odd", text_enum(Odd), nullable=False),
    Column("colours", ARRAY(Text), nullable=False),
    Column("others", ARRAY(Text), nullable=False),
    CheckConstraint("bounded BETWEEN 0 AND 1"),
    text_enums("colours", Colour),
).c


@pytest.mark.parametrize(
    ("expression", "kind", "reason"),
    [
        (THING.note, GraphQLNonNull(GraphQLString), "provably not null"),
        (func.upper(THING.name, type_=Text()), GraphQLNonNull(GraphQLString), "provably not null"),
        (THING.energy_ukwh / 2, GraphQLNonNull(DECIMAL), "does not come from"),
        (THING.energy_ukwh, GraphQLInt, "does not come from"),
        (THING.share, GraphQLFloat, "NaN"),
        (THING.price, GraphQLFloat, "does not come from"),
        (THING.name, GraphQLScalarType("Unknown"), "no form in SQL"),
        (THING.odd, GraphQLEnumType("Odd", Odd), "values that are not their names"),
        (THING.name, COLOUR, "checked enum"),
        (enums(THING.others, Colour), GraphQLList(GraphQLNonNull(COLOUR)), "no check"),
        (THING.colours, GraphQLList(GraphQLString), "no form in SQL"),
    ],
    ids=str,
)
def test_what_is_not_proven_is_refused(expression: Any, kind: Any, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        emitter(expression, kind)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (THING.name, GraphQLNonNull(GraphQLString)),
        (THING.note, GraphQLString),
        (THING.bounded, GraphQLNonNull(GraphQLFloat)),
        (THING.energy_ukwh - THING.energy_ukwh, GraphQLNonNull(DECIMAL)),
        (THING.colour, GraphQLNonNull(COLOUR)),
        (enums(THING.colours, Colour), GraphQLNonNull(GraphQLList(GraphQLNonNull(COLOUR)))),
        (select(func.count()).select_from(THING.name.table).scalar_subquery(), GraphQLNonNull(GraphQLInt)),
    ],
    ids=str,
)
def test_what_is_proven_is_written(expression: Any, kind: Any) -> None:
    assert emitter(expression, kind) is not None


def test_a_difference_with_a_nullable_column_may_be_null() -> None:
    assert not is_never_null(THING.count - func.length(THING.note))
    assert is_never_null(THING.count - THING.count * 2)


TEXTS = ["", 'a "quote"', "back\\slash", "\b\f\n\r\t\x01\x1f\x7f", "Zoë ⚡ 漢字 \U0001f600", "</script>", "\u2028"]
NUMBERS = [
    0,
    1,
    -1,
    10,
    99,
    100,
    101,
    999_999,
    1_000_000,
    1_250_000,
    -1_500_000,
    10**15 - 1,
    10**15,
    2**63 - 1,
    -(2**63),
]
NUMBERS += [random.Random(number).randrange(10 ** (number % 19)) for number in range(400)]


@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [
        (GraphQLString, Text(), TEXTS),
        (GraphQLBoolean, Boolean(), [True, False]),
        (GraphQLInt, Integer(), [0, 2**31 - 1, -(2**31)]),
        (DECIMAL, BigInteger(), NUMBERS),
    ],
    ids=str,
)
async def test_the_database_writes_what_python_writes(
    session: AsyncSession, kind: Any, column: Any, values: Sequence[Any]
) -> None:
    serialize = SCALARS[Micro].serialize if kind is DECIMAL else (lambda value: value)
    for value in values:
        emit = emitter(literal(value, column), kind)
        written = await session.scalar(select(emit(literal(value, column))))
        assert written is not None
        assert orjson.loads(written) == serialize(value)
    assert await session.scalar(select(emitter(literal(None, column), kind)(literal(None, column)))) == "null"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00+00:00",
        "2026-03-29T01:30:00.5+00:00",
        "2026-10-25T02:30:00.000001+02:00",
        "0900-06-01T00:00:00+00:00",
    ],
    ids=["seconds", "half a second", "a microsecond in summer time", "long ago"],
)
async def test_instants_are_written_in_utc_without_trailing_zeros(session: AsyncSession, text: str) -> None:
    value = datetime.fromisoformat(text)
    bound = literal(value, DateTime(timezone=True))
    written = await session.scalar(select(emitter(bound, INSTANT)(bound)))

    assert orjson.loads(written or "") == SCALARS[Instant].serialize(value)


def test_every_field_that_is_not_compiled_is_known_with_its_reason() -> None:
    core = make_schema()._schema
    found, known = refusals(core), {name: why for reads in READS.values() for name, why in reads.not_compiled.items()}
    rooms = {name: room for room, reads in READS.items() for name in reads.not_compiled}

    assert registers.undecided("reads", {name: _room_of(core, name) for name in found}, rooms) == []
    assert found == known


def _room_of(schema: GraphQLSchema, name: str) -> str:
    parent, _, field = name.partition(".")
    kind = schema.type_map[parent]
    assert isinstance(kind, GraphQLObjectType)
    return registers.room_of(paths.definition(kind.fields[field]).origin)
