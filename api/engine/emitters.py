"""How the value of an SQL expression becomes JSON text inside the statement, and what must be certain before it may.

The compiled path answers with text the database has put together, so nobody looks at the values on their way out.
What graphql-core would check per value is therefore proven once, from the declaration: that a non-null field cannot be
null, that a text is escaped, that a number is one JSON can write. What cannot be proven is refused, with the reason.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    get_nullable_type,
)
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Label,
    Numeric,
    ScalarSelect,
    Text,
    case,
    cast,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, Case, Cast, Grouping, TypeCoerce
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import add, mul, sub
from sqlalchemy.types import TypeEngine

from domain.kernel.database import text_enums_check
from domain.kernel.vocabularies import WordType, word_check_text, words_check_text

SAFE = re.compile(r"[A-Za-z0-9_.:-]*")
# Functions of PostgreSQL and PostGIS that give no null unless an argument is null.
FINITE_FUNCTIONS = frozenset({"ST_XMin", "ST_XMax", "ST_YMin", "ST_YMax"})  # Of boundaries, which are valid.
STRICT_FUNCTIONS = FINITE_FUNCTIONS | {
    *("round", "to_timestamp", "ST_AsGeoJSON", "ST_ForcePolygonCCW", "ST_Multi", "ST_SimplifyPreserveTopology")
}


class Refused(Exception):
    """A field that the compiled path does not answer; the message says why."""


class Joined(ColumnElement[str]):
    """Texts put together: `a || b || c`, flat however many there are, and neighbouring constants as one.

    Each `||` copies all before it, so that fewer of them count where a boundary or a whole page is among the texts.
    """

    type = Text()
    inherit_cache = False

    def __init__(self, *parts: Any) -> None:
        self.parts: list[Any] = []
        for part in parts:
            for piece in part.parts if isinstance(part, Joined) else [part]:
                if isinstance(piece, str) and self.parts and isinstance(self.parts[-1], str):
                    self.parts[-1] += piece
                else:
                    self.parts.append(piece)


@compiles(Joined)
def _joined(element: Joined, compiler: Any, **given: Any) -> str:
    parts = (constant(part) if isinstance(part, str) else part for part in element.parts)
    return "(" + " || ".join(compiler.process(part, **given) for part in parts) + ")"


def constant(text: str) -> Any:
    """A constant piece of JSON. Only what was checked against SAFE comes with quotes and brackets around it."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())


def _plain(expression: Any) -> Any:
    return cast(expression, Text)


def _escaped(expression: Any) -> Any:
    return cast(func.to_json(expression), Text)


def _decimal(expression: Any) -> Any:
    """Micro-units as a decimal without trailing zeros.

    A decimal of at most 15 digits is the shortest text of its nearest double, which PostgreSQL writes quickly and from
    0.0001 on without an exponent; others take arithmetic of any precision, where multiplying is exact.
    """
    double = expression / literal_column("1000000::float8", Double())
    exact = func.trim_scale(expression * literal_column("0.000001", Numeric()))
    is_plain = expression.between(literal_column("100"), literal_column("999999999999999"))
    return Joined('"', case((is_plain, cast(double, Text)), else_=cast(exact, Text)), '"')


def _instant(expression: Any) -> Any:
    """Depends on `DateStyle`, which `api.resources.database` sets to ISO."""
    local = cast(func.timezone(literal_column("'UTC'"), expression), Text)
    return Joined('"', func.replace(local, literal_column("' '"), literal_column("'T'")), 'Z"')


def _quoted(expression: Any) -> Any:
    return Joined('"', type_coerce(expression, Text), '"')


Emit = Callable[[Any], Any]
# Scalar of GraphQL -> types of SQL it may come from, and how it is written.
SCALARS: Mapping[str, tuple[tuple[type[TypeEngine[Any]], ...], Emit]] = MappingProxyType(
    {
        "String": ((Text,), _escaped),
        "Int": ((Integer,), _plain),
        "Boolean": ((Boolean,), _plain),
        "Float": ((Float,), _plain),
        "Decimal": ((BigInteger, Integer), _decimal),
        "DateTime": ((DateTime,), _instant),
        "Date": ((Date,), _escaped),
        "GeoJSONPoint": ((Text,), lambda expression: expression),
        "GeoJSONPolygon": ((Text,), lambda expression: expression),
        "GeoJSONMultiPolygon": ((Text,), lambda expression: expression),
    }
)


def emitter(expression: Any, kind: GraphQLOutputType) -> Emit:
    """How a column of this GraphQL type is written. Raises Refused where the declaration does not prove it safe."""
    named = get_nullable_type(kind)
    emit = _emitter_of(expression, named)
    if not isinstance(kind, GraphQLNonNull):
        return lambda value: func.coalesce(emit(value), constant("null"))
    if not is_never_null(expression):
        raise Refused("a non-null field needs an expression that is provably not null")
    return emit


def _emitter_of(expression: Any, kind: Any) -> Emit:
    if isinstance(kind, GraphQLList):
        return _emitter_of_list(expression, kind)
    if isinstance(kind, GraphQLEnumType):
        return _emitter_of_enum(expression, kind)
    if not isinstance(kind, GraphQLScalarType) or kind.name not in SCALARS:
        raise Refused(f"{kind} has no form in SQL")
    types, emit = SCALARS[kind.name]
    if not isinstance(expression.type, types) or (kind.name == "Int" and isinstance(expression.type, BigInteger)):
        raise Refused(f"{kind} does not come from {expression.type!r}")
    if kind.name == "Float" and not _is_finite(expression):
        raise Refused("no check keeps NaN and infinity out of the column")
    return emit


def _emitter_of_enum(expression: Any, kind: GraphQLEnumType) -> Emit:
    if isinstance(expression.type, WordType) and _has_check(
        expression, lambda text: text == word_check_text(expression.name)
    ):
        return _quoted  # The check admits capitals, digits and underscores alone.
    values: Any = expression.type.enum_class if isinstance(expression.type, Enum) else None
    if values is None or not expression.type.create_constraint:
        raise Refused(f"{kind} does not come from a checked enum")
    if any(member.name != member.value or not SAFE.fullmatch(member.value) for member in values):
        raise Refused(f"{kind} has values that are not their names")
    return _quoted


def _emitter_of_list(expression: Any, kind: GraphQLList[Any]) -> Emit:
    """Lists of enums or words whose column has a check that admits nothing else."""
    item: Any = expression.type.item_type if isinstance(expression.type, ARRAY) else None
    column: Any = expression.clause if isinstance(expression, TypeCoerce) else None
    if not isinstance(item, Enum | WordType) or not isinstance(get_nullable_type(kind.of_type), GraphQLEnumType):
        raise Refused(f"{kind} has no form in SQL")
    kinds: Any = getattr(item, "enum_class", None)
    check = words_check_text(column.name) if isinstance(item, WordType) else text_enums_check(column.name, kinds)
    if not _has_check(column, lambda text: text == check):
        raise Refused("no check keeps other values out of the column")
    return lambda value: cast(func.array_to_json(value), Text)


def is_never_null(expression: Any) -> bool:
    """Whether the declaration proves that an expression is not null: a NOT NULL column, or strict terms of such."""
    if isinstance(expression, Column):
        return not expression.nullable
    for kind, is_proven in PROOFS.items():
        if isinstance(expression, kind):
            return is_proven(expression)
    clause = getattr(expression, "__clause_element__", None)
    return clause is not None and is_never_null(clause())


def _is_count(query: Any) -> bool:
    """A count without GROUP BY always has its one row."""
    (column,) = query.element.selected_columns
    return getattr(column, "name", "") == "count"


def _of_operator(expression: Any) -> bool:
    return expression.operator in (add, sub, mul) and is_never_null(expression.left) and is_never_null(expression.right)


def _of_function(expression: Any) -> bool:
    return expression.name in STRICT_FUNCTIONS and all(map(is_never_null, expression.clauses.clauses))


def _of_case(expression: Any) -> bool:
    results = [*(result for _, result in expression.whens), expression.else_]
    return all(result is not None and is_never_null(result) for result in results)


PROOFS: Mapping[type[Any], Callable[[Any], bool]] = MappingProxyType(
    {
        BindParameter: lambda bind: bind.value is not None,
        Label: lambda label: is_never_null(label.element),
        Grouping: lambda grouping: is_never_null(grouping.element),
        TypeCoerce: lambda coerced: is_never_null(coerced.clause),
        Cast: lambda cast: is_never_null(cast.clause),
        BinaryExpression: _of_operator,
        ScalarSelect: _is_count,
        FunctionElement: _of_function,
        Case: _of_case,
    }
)


def _is_finite(expression: Any) -> bool:
    """Whether a check of the table bounds a float column on both sides, which keeps NaN and infinity out."""
    if isinstance(expression, FunctionElement):
        return getattr(expression, "name", "") in FINITE_FUNCTIONS
    return _has_check(expression, lambda text: text.startswith(f"{expression.name} BETWEEN "))


def _has_check(expression: Any, is_it: Callable[[str], bool]) -> bool:
    """Whether the table of a column has a check with such a text."""
    column = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    if not isinstance(column, Column):
        return False
    checks = (check for check in column.table.constraints if isinstance(check, CheckConstraint))
    return any(is_it(str(check.sqltext)) for check in checks)
