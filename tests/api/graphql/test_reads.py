"""Cost follows work: what fields read beside nodes is charged before it is read, however the document says it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import strawberry
from graphql import (
    GraphQLField,
    GraphQLFloat,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_object_type,
    parse,
    specified_rules,
)

from api.transport.documents.documents import Documents
from api.transport.limits.reads import READS
from api.transport.terms.errors import QueryTooComplex
from api.transport.terms.operations import Operation
from api.transport.terms.settings import TransportSettings
from domain.identity.viewers import ANONYMOUS, Viewer

MEMBER = Viewer(user_id=UUID(int=1))
MONTH = '{start: "2026-10-01T00:00:00Z", end: "2026-11-01T00:00:00Z"}'
MONTH_POINTS = 10 + 298  # Of 31 days of quarter-hours.
VALUES = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
OTHERWISE = {"Mutation", "Subscription", "TradingRuleSimulation"}  # The columns of the last are kept in its row.


@pytest.fixture(scope="module")
def documents(schema: strawberry.Schema) -> Documents:
    return Documents(schema._schema, TransportSettings(), {})


def points_of(documents: Documents, text: str, viewer: Viewer = MEMBER, **variables: Any) -> int:
    document = documents.check(text, parse(text), specified_rules)
    analysis = document.analysis(None)
    operation = Operation("request", viewer, "203.0.113.1", "http")
    operation.node_count = documents.node_count(analysis, variables)
    documents.note_reads(operation, analysis, variables)
    return operation.points


def of_community(fields: str, variables: str = "") -> str:
    return f'query Q{variables} {{ node(id: "Community:1") {{ ... on Community {{ {fields} }} }} }}'


def balance(period: str = MONTH, resolution: str = "QUARTER_HOUR", name: str = "b") -> str:
    return f"{name}: balance(period: {period}, resolution: {resolution}) {{ start }}"


def fields_of(schema: strawberry.Schema) -> Iterator[tuple[str, GraphQLObjectType, GraphQLField]]:
    for kind in schema._schema.type_map.values():
        if is_object_type(kind) and not kind.name.startswith("__"):
            assert isinstance(kind, GraphQLObjectType)
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", kind, field


def test_every_field_of_a_period_or_with_packed_columns_says_what_it_reads(schema: strawberry.Schema) -> None:
    silent = [
        name
        for name, kind, field in fields_of(schema)
        if kind.name not in OTHERWISE
        and (is_of_period(field) or is_packed(get_named_type(field.type)))
        and READS not in field.extensions["strawberry-definition"].metadata
    ]

    assert silent == []


def is_of_period(field: GraphQLField) -> bool:
    return any(get_named_type(argument.type).name == "PeriodInput" for argument in field.args.values())


def is_packed(kind: Any) -> bool:
    """Whether a type, which is no node, has a column of numbers."""
    if not isinstance(kind, GraphQLObjectType) or kind.interfaces:
        return False
    columns = (get_nullable_type(field.type) for field in kind.fields.values())
    return any(is_list_type(column) and get_named_type(column) is GraphQLFloat for column in columns)


SAID: dict[str, tuple[str, dict[str, Any]]] = {
    "in the document": (of_community(balance()), {}),
    "by a variable": (of_community(balance("$p"), "($p: PeriodInput!)"), {"p": VALUES}),
    "by a variable's default": (of_community(balance("$p"), f"($p: PeriodInput! = {MONTH})"), {}),
    "by a variable within": (
        of_community(balance(f'{{start: $s, end: "{VALUES["end"]}"}}'), "($s: DateTime!)"),
        {"s": VALUES["start"]},
    ),
    "by days, of which quarter-hours are read all the same": (of_community(balance(resolution="DAY")), {}),
    "by months": (of_community(balance(resolution="MONTH")), {}),
    "twice, to be read once": (
        of_community(f"{balance()} ...F") + f" fragment F on Community {{ {balance()} }}",
        {},
    ),
}


@pytest.mark.parametrize("said", SAID)
def test_a_month_costs_the_same_however_it_is_said(documents: Documents, said: str) -> None:
    text, variables = SAID[said]

    assert points_of(documents, text, **variables) == MONTH_POINTS


def test_series_of_two_types_under_one_name_are_both_charged(documents: Documents) -> None:
    cheap = 'x: load(period: {start: "2026-10-01T00:00:00Z", end: "2026-10-01T00:15:00Z"}) { start }'
    dear = balance(name="x")
    text = f'{{ node(id: "Community:1") {{ ... on MarketZone {{ {cheap} }} ... on Community {{ {dear} }} }} }}'

    assert points_of(documents, text) == MONTH_POINTS + 11


def test_below_a_list_no_more_series_are_charged_than_may_be_read(documents: Documents) -> None:
    text = f"{{ communities(first: 100) {{ edges {{ node {{ {balance()} }} }} }} }}"

    assert points_of(documents, text) == 100 + 20 * MONTH_POINTS
    assert points_of(documents, text, ANONYMOUS) == 100 + 4 * MONTH_POINTS


@pytest.mark.parametrize(("viewer", "most"), [(MEMBER, 20), (ANONYMOUS, 4)])
def test_nobody_reads_fewer_series_than_who_signed_in(documents: Documents, viewer: Viewer, most: int) -> None:
    short = '{start: "2026-10-01T00:00:00Z", end: "2026-10-01T01:00:00Z"}'
    enough = of_community(" ".join(balance(short, name=f"b{number}") for number in range(most)))
    one_more = of_community(" ".join(balance(short, name=f"b{number}") for number in range(most + 1)))

    with pytest.raises(QueryTooComplex) as refused:
        points_of(documents, one_more, viewer)

    assert points_of(documents, enough, viewer) == most * 11
    assert refused.value.extensions["limit"] == most


OTHERS = {
    "what is counted": ("{ communities(first: 1) { totalCount } }", 21),
    "a leaderboard": (of_community('leaderboard(kind: TRADED_ENERGY, month: "2026-10-01") { unit }'), MONTH_POINTS),
    "load of about now": ('{ node(id: "MarketZone:1") { ... on MarketZone { load { start } } } }', 22),
    "prices": (
        f'{{ node(id: "Market:1") {{ ... on Market {{ prices(period: {MONTH}, resolution: HOUR) {{ start }} }} }} }}',
        MONTH_POINTS,
    ),
    "boundaries as they are stored": ("{ communities(first: 200) { edges { node { boundary } } } }", 200),
    "a simplified boundary": (
        '{ node(id: "Community:1") { ... on Community { boundary(simplifyMeters: 100) } } }',
        20,
    ),
    "a period that ends before it begins": (
        of_community(balance('{start: "2026-10-02T00:00:00Z", end: "2026-10-01T00:00:00Z"}')),
        10,
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_charges_what_is_read(documents: Documents, what: str) -> None:
    text, points = OTHERS[what]

    assert points_of(documents, text) == points


def test_what_is_followed_reads_few_series_an_event_also_below_a_list(documents: Documents) -> None:
    load = f"load(period: {MONTH}) {{ start }}"
    follow = 'subscription { gridAlerts(zoneId: "MarketZone:1") { alert { zone { %s } } } }'
    markets = f"substationAreas(first: 5) {{ edges {{ node {{ marketZone {{ {load} }} }} }} }}"

    with pytest.raises(QueryTooComplex):
        points_of(documents, follow % markets)

    assert points_of(documents, follow % load) == MONTH_POINTS
