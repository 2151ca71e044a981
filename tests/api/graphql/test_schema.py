"""The contract: `schema.graphql` is what is offered, and everything in it keeps the conventions of docs/."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from api.graphql.mutations import REFUSALS, ErrorCode
from api.graphql.schema import make_schema
from api.house import load_jobs

ROOT = Path(__file__).parents[3]
FILE = ROOT / "schema.graphql"
UNITS = re.compile(r"\b(kWh|kW|kg|EUR/kWh|EUR|km²|0 to 1|up to 1|hours|metres|degrees|Degrees)\b")
PACKED = re.compile(r"Series$")
COORDINATES = {"BoundingBox", "BoundingBoxInput", "Position"}
# Floats that are neither energy nor money.
PLAIN_FLOATS = {"Job.progress", "TooComplexGeometry.value", "TooComplexGeometry.maximum"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    load_jobs()
    return make_schema()._schema


def own(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """Types of ours, not those of GraphQL itself."""
    return [
        kind
        for kind in schema.type_map.values()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    ]


def fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField | GraphQLInputField]]:
    """Every field of every type and input, by "Type.field"."""
    for kind in own(schema):
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", field) for name, field in kind.fields.items())


def arguments(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLArgument]]:
    """Every argument, by "Type.field(argument)"."""
    for place, field in fields(schema):
        if isinstance(field, GraphQLField):
            yield from ((f"{place}({name})", argument) for name, argument in field.args.items())


def test_the_committed_schema_is_the_one_that_is_offered() -> None:
    offered = make_schema(is_sorted=True).as_str().rstrip() + "\n"

    assert FILE.read_text() == offered, "print it anew: commonwatt export-schema > schema.graphql"


def test_everything_is_described(schema: GraphQLSchema) -> None:
    described: list[tuple[str, Any]] = [(kind.name, kind) for kind in own(schema)]
    described += [*fields(schema), *arguments(schema)]
    for kind in own(schema):
        if isinstance(kind, GraphQLEnumType):
            described += [(f"{kind.name}.{name}", value) for name, value in kind.values.items()]

    assert [name for name, thing in described if len((thing.description or "").strip()) < 3] == []


def test_descriptions_are_sentences(schema: GraphQLSchema) -> None:
    described: list[tuple[str, Any]] = [*fields(schema), *arguments(schema)]

    assert [name for name, thing in described if not (thing.description or "").strip().endswith(".")] == []


def test_quantities_name_their_unit(schema: GraphQLSchema) -> None:
    exact = [(name, field) for name, field in fields(schema) if get_named_type(field.type).name == "Decimal"]
    packed = [
        (name, field)
        for name, field in fields(schema)
        if get_named_type(field.type).name == "Float" and PACKED.search(name.split(".")[0])
    ]

    assert [name for name, field in [*exact, *packed] if not UNITS.search(field.description or "")] == []
    assert exact
    assert packed


def test_names_with_a_unit_are_quantities(schema: GraphQLSchema) -> None:
    named = [(name, field) for name, field in fields(schema) if re.search(r"(Kwh|Kw|Km2)$", name)]

    assert {get_named_type(field.type).name for _, field in named} == {"Decimal", "Float"}
    assert named


def test_only_packed_series_and_coordinates_are_floats(schema: GraphQLSchema) -> None:
    floats = {name for name, field in fields(schema) if get_named_type(field.type).name == "Float"}
    floats |= {name for name, argument in arguments(schema) if get_named_type(argument.type).name == "Float"}
    loose = {name for name in floats if not PACKED.search(name.split(".")[0]) and name.split(".")[0] not in COORDINATES}

    assert loose == PLAIN_FLOATS


def test_floats_of_series_are_lists(schema: GraphQLSchema) -> None:
    single = [
        name
        for name, field in fields(schema)
        if PACKED.search(name.split(".")[0]) and get_named_type(field.type).name == "Float"
        if not isinstance(_nullable(field.type), GraphQLList)
    ]

    assert single == []


def _nullable(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def test_mutations_take_one_input_and_give_a_payload(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        payload = get_named_type(field.type)
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{name[0].upper()}{name[1:]}Input!", name
        assert isinstance(field.type, GraphQLNonNull), name
        assert payload.name.endswith("Payload"), name
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!", name


def test_what_a_payload_shows_may_be_null(schema: GraphQLSchema) -> None:
    promised = [
        name
        for name, field in fields(schema)
        if name.split(".")[0].endswith("Payload") and isinstance(field.type, GraphQLNonNull)
    ]

    assert {name.split(".")[1] for name in promised} <= {"errors", "isSignedOut"}


def test_connections_say_how_large_a_page_may_be(schema: GraphQLSchema) -> None:
    connections = [
        (name, field)
        for name, field in fields(schema)
        if isinstance(field, GraphQLField) and get_named_type(field.type).name.endswith("Connection")
    ]

    assert [name for name, field in connections if "At most 100 a page." not in (field.description or "")] == []
    for name, field in connections:
        assert {"first", "after", "last", "before"} <= set(field.args), name
        assert "maximum 100" in (field.args["first"].description or ""), name
    assert connections


def test_lists_that_are_no_connections_are_short_or_say_their_bound(schema: GraphQLSchema) -> None:
    """Entities come in connections; `nodes` alone is a list, with its bound."""
    lists = [
        name
        for name, field in fields(schema)
        if isinstance(field, GraphQLField)
        and isinstance(_nullable(field.type), GraphQLList)
        and isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLInterfaceType)
        and "id" in get_named_type(field.type).fields  # type: ignore[attr-defined]
    ]

    assert lists == ["Query.nodes"]


def test_every_scalar_of_ours_says_where_it_is_specified(schema: GraphQLSchema) -> None:
    scalars = [kind for kind in own(schema) if isinstance(kind, GraphQLScalarType)]

    assert [kind.name for kind in scalars if not (kind.specified_by_url or "").startswith("https://")] == []
    assert scalars


def test_names_keep_their_case(schema: GraphQLSchema) -> None:
    assert [kind.name for kind in own(schema) if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", kind.name)] == []
    assert [name for name, _ in fields(schema) if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name.split(".")[1])] == []
    values = [value for kind in own(schema) if isinstance(kind, GraphQLEnumType) for value in kind.values]
    assert [value for value in values if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value)] == []


def test_deprecations_name_the_date_of_removal(schema: GraphQLSchema) -> None:
    reasons = [(name, thing.deprecation_reason) for name, thing in [*fields(schema), *arguments(schema)]]

    assert [name for name, reason in reasons if reason and not re.search(r"\d{4}-\d\d-\d\d", reason)] == []


def test_every_code_of_a_refusal_is_given_by_one() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api").rglob("*.py"))

    given = re.findall(r"code=(\w+)", sources)
    unused = {code.name for code in ErrorCode} - set(given)
    assert unused == set()
    assert REFUSALS


def test_every_refusal_has_a_type_with_the_common_fields(schema: GraphQLSchema) -> None:
    error = schema.type_map["UserError"]
    assert isinstance(error, GraphQLInterfaceType)

    shown = schema.get_possible_types(error)
    assert len(shown) >= 20
    for kind in shown:
        assert {"code", "message", "path"} <= set(kind.fields), kind.name
