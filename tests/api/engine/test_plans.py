"""Plans: what is kept, for whom, and how much of it."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from graphql import OperationDefinitionNode, parse

from api.engine.emitters import Refused
from api.engine.parts import Statements
from api.engine.plans import PLANS_MAX, Operation, Plans, Prepared
from api.engine.texts import Statement
from api.graphql.schema import make_schema
from api.transport.documents.plans import NotStanding
from domain.communities import sight
from domain.identity.viewers import ANONYMOUS, PARAMETER, Viewer, value_of
from domain.kernel.database import new_id
from tests.api.conftest import Execute

SCHEMA = make_schema()
COMMUNITY = f"Community:{UUID(int=1)}"
BY_ID = "query Q($id: ID!) { node(id: $id) { ... on Community { name } ... on Member { name } } }"


@dataclass
class Told:
    """A database that answers anything, and remembers what it was asked."""

    answer: tuple[str | None, bool] = ('"told"', True)
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)

    async def fetch(self, sql: str, values: Sequence[Any]) -> Any:
        self.asked.append((sql, list(values)))
        return self.answer


def operation_of(plans: Plans, text: str) -> Operation:
    document = parse(text)
    (node,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return plans.operation(document, node)


def prepared(text: str, plans: Plans | None = None, **variables: Any) -> Prepared:
    plans = plans or Plans(SCHEMA)
    found = plans.prepared(operation_of(plans, text), variables)
    assert found is not None
    return found


def a_viewer() -> Viewer:
    some = frozenset({new_id()})
    return Viewer(user_id=new_id(), session_id=new_id(), member_ids=some, community_ids=some, administered_ids=some)


async def test_a_statement_holds_no_value_of_a_viewer_and_serves_all_of_one_shape() -> None:
    told, one, other = Told(), a_viewer(), a_viewer()
    plan = prepared(BY_ID, id=COMMUNITY)

    for viewer in (one, other):
        assert await plan.answer(told, viewer) == b'{"node":"told"}'

    (text, first), (again, second) = told.asked
    assert text is again
    assert first[0] == second[0] == UUID(int=1)
    assert not any(str(value) in text for viewer in (one, other) for value in (viewer.user_id, *viewer.community_ids))
    for viewer, values, others in ((one, first[1:], second[1:]), (other, second[1:], first[1:])):
        for key in viewer.community_ids:
            assert str(key) in str(values)
            assert str(key) not in str(others)


async def test_viewers_of_other_shapes_have_statements_of_their_own() -> None:
    told, plan = Told(), prepared(BY_ID, id=COMMUNITY)

    await plan.answer(told, ANONYMOUS)
    await plan.answer(told, a_viewer())

    (public, of_nobody), (own, _) = told.asked
    assert public != own
    assert len(of_nobody) == 1


@pytest.mark.parametrize("viewer", [a_viewer(), Viewer(user_id=new_id(), api_key_id=new_id())])
def test_a_shape_holds_none_of_the_viewers_values(viewer: Viewer) -> None:
    values = {viewer.user_id, viewer.session_id, viewer.api_key_id, *viewer.member_ids, *viewer.community_ids}

    assert not {str(value) for value in values if value} & {part for part in repr(viewer.shape).split("'") if part}
    assert viewer.shape is viewer.shape.shape


async def test_who_no_longer_stands_is_answered_nothing() -> None:
    viewer = a_viewer()
    plan = prepared(BY_ID, Plans(SCHEMA, proof=sight.stands), id=COMMUNITY)
    told = Told(answer=('"secret"', False))

    with pytest.raises(NotStanding):
        await plan.answer(told, viewer)
    (text, values), *_ = told.asked
    assert "sight_version" in text
    assert viewer.session_id in values
    assert await plan.part(("node",), told, viewer) is None


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query Q($id: ID!) { node(id: $id) { id } }", {"id": "nonsense"}),
        ("{ communities(first: 101) { totalCount } }", {}),
        ("query Q($first: Int) { communities(first: $first) { totalCount } }", {"first": -1}),
        ("query Q($after: String) { communities(after: $after) { totalCount } }", {"after": "FOUNDED:x"}),
        ('{ communities(filter: {name: "\\u0000"}) { totalCount } }', {}),
        ("{ frameworks { edges { node { parameters { name } } } } }", {}),
        ("{ communities { totalCount } viewer { roles } }", {}),
        ("mutation M { logOut(input: {}) { isSignedOut } }", {}),
    ],
)
async def test_what_a_plan_may_not_answer_is_left_to_the_ordinary_path(text: str, variables: dict[str, Any]) -> None:
    assert await prepared(text, **variables).answer(Told(), ANONYMOUS) is None


@pytest.mark.parametrize("variables", [{}, {"id": None}, {"id": 1.5}, {"id": ["x"]}])
def test_variables_that_are_not_as_declared_have_no_plan(variables: dict[str, Any]) -> None:
    plans = Plans(SCHEMA)

    assert plans.prepared(operation_of(plans, BY_ID), variables) is None


async def test_a_missing_result_is_left_to_the_ordinary_path() -> None:
    assert await prepared(BY_ID, id=COMMUNITY).answer(Told(answer=(None, True)), ANONYMOUS) is None


def test_other_values_of_a_directives_variable_have_other_plans_and_few_are_kept() -> None:
    names = [f"v{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: totalCount @include(if: ${name})" for name in names)
    plans = Plans(SCHEMA)
    operation = operation_of(plans, f"query Q({declared}) {{ communities {{ {fields} }} }}")

    for number in range(2 * PLANS_MAX):
        assert plans.prepared(operation, {name: bool(number >> bit & 1) for bit, name in enumerate(names)})

    assert len(operation.plans) == PLANS_MAX


async def test_statements_are_bounded_and_the_ones_used_are_kept() -> None:
    statements, made = Statements(most=3), []

    def compiled(key: int) -> Any:
        made.append(key)
        return key

    for key in (1, 2, 3, 1, 4, 1, 2):
        if statements.get(key) is None:
            await statements.make(key, partial(compiled, key))

    assert made == [1, 2, 3, 4, 2]
    assert len(statements.kept) == 3


async def test_a_statement_is_compiled_once_for_all_who_wait_and_not_in_the_event_loop() -> None:
    statements, threads = Statements(), []
    statement = Statement("SELECT 1", ())

    def compiled() -> Statement:
        threads.append(threading.current_thread())
        return statement

    assert await asyncio.gather(*(statements.make("key", compiled) for _ in range(5))) == [statement] * 5
    assert threads != [threading.main_thread()]
    assert (len(threads), statements.making) == (1, {})


async def test_a_statement_that_cannot_be_compiled_is_tried_again() -> None:
    statements = Statements()

    def fails() -> Any:
        raise Refused("no")

    for _ in range(2):
        with pytest.raises(Refused):
            await statements.make("key", fails)
    assert (statements.kept, statements.making) == ({}, {})


async def test_a_fault_of_ours_is_logged_and_left_to_the_ordinary_path(caplog: pytest.LogCaptureFixture) -> None:
    class Confused(Told):
        async def fetch(self, sql: str, values: Sequence[Any]) -> Any:
            raise asyncpg.UndefinedColumnError("no such column")

    def cannot() -> Statement:
        raise KeyError("a fault")

    assert await prepared(BY_ID, id=COMMUNITY).answer(Confused(), ANONYMOUS) is None
    with pytest.raises(Refused):
        await Statements().make("key", cannot)
    assert len(caplog.records) == 2


async def test_a_client_may_call_fields_what_it_likes(execute: Execute) -> None:
    long = "a" * 100
    text = f"""{{ frameworks(last: 2) {{
        place: edges {{ cursor }} cursor: edges {{ x: cursor }} page: pageInfo {{ startCursor }}
        {long}b: edges {{ cursor }} {long}c: edges {{ node {{ id {long}: name }} }} }} }}"""
    told = Told()

    assert await prepared(text).answer(told, ANONYMOUS)
    shown = (await execute(text)).data["frameworks"]  # Which compares both paths.
    (sql, _), *_ = told.asked
    assert [len(edges) for key, edges in shown.items() if key != "page"] == [2, 2, 2, 2]
    assert all(f'"{key}":' in sql for key in (*shown, long))


async def test_sizes_of_pages_are_text_and_values_of_filters_are_bound() -> None:
    told, plans = Told(), Plans(SCHEMA)
    text = """query Q($first: Int, $name: String) {
      communities(first: $first, filter: {name: $name}) { edges { node { id } } } }"""
    operation = operation_of(plans, text)
    for first, name in ((3, "alpha"), (3, "beta"), (4, "beta")):
        plan = plans.prepared(operation, {"first": first, "name": name})
        assert plan is not None
        await plan.answer(told, ANONYMOUS)

    texts = [sql for sql, _ in told.asked]
    assert texts[0] is texts[1]
    assert "LIMIT 3" in texts[0]
    assert "LIMIT 4" in texts[2]
    assert [values for _, values in told.asked] == [["alpha"], ["beta"], ["beta"]]
    assert not any("alpha" in sql or "beta" in sql for sql in texts)


def test_parameters_of_a_viewer_are_named_for_what_they_are() -> None:
    viewer = a_viewer()
    ids = value_of(viewer, PARAMETER + "administered_ids|community_ids")

    assert {UUID(text) for text in ids.strip("{}").split(",")} == viewer.administered_ids | viewer.community_ids
    assert value_of(viewer, PARAMETER + "user_id") == viewer.user_id


def test_parts_below_a_field_computed_in_python_are_compiled_too() -> None:
    text = "{ viewer { roles user { name } mine: orders(first: 1) { totalCount } } }"
    plan = prepared(text).plan

    assert set(plan.parts) == {("viewer", "user"), ("viewer", "mine")}
    assert plan.root_keys == ()
