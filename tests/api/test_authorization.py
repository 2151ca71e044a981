"""Who sees what, by every path: role x kind of row x path.

Paths are node, nodes, lists, edges, nested lists, filters, cursors and the text of refusals; those of subscriptions
and REST are tried in `authorization/`.

The paths are read from the schema and the expectations are written by hand (`who_sees.py` of each room), so that a new
type, field, filter, subscription or mutation without a decision fails here by its name.
"""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
import strawberry
from graphql import GraphQLField, GraphQLObjectType

from api.engine.connections import encode_cursor
from api.engine.declarations import ENTITIES, Edge, Many
from domain.communities import sight
from domain.kernel.database import new_id
from tests.api import registers
from tests.api.authorization import expectations, paths
from tests.api.authorization.expectations import (
    COMPUTED,
    EXPECTED,
    FILTERS,
    MUTATIONS,
    NARROWER,
    may_see,
)
from tests.api.authorization.paths import Path
from tests.api.authorization.people import ENDED, EVERYBODY, ROLES
from tests.api.authorization.site import Rows, Site


@pytest.fixture(scope="module")
def all_paths(schema: strawberry.Schema) -> list[Path]:
    return list(paths.paths(schema._schema))


@pytest.fixture(scope="module")
async def truth(site: Site, all_paths: list[Path]) -> dict[str, Any]:
    """Where each path leads when nothing is hidden, by the parent's key."""
    found: dict[str, Any] = {}
    async with site.database.reading() as connection:
        for path in all_paths:
            if isinstance(path.mark, Edge):
                found[str(path)] = await paths.truth_of_edge(connection, ENTITIES[path.parent], path.mark)
            elif isinstance(path.mark, Many):
                found[str(path)] = await paths.truth_of_many(connection, path.mark)
    return found


# Nothing without a decision.


def places(schema: strawberry.Schema, names: Any) -> dict[str, str]:
    """The room of each field, by where it is declared."""
    return {name: registers.room_of(_declared(schema, name).origin) for name in names}


def _declared(schema: strawberry.Schema, name: str) -> Any:
    parent, _, field = name.partition(".")
    kind = schema._schema.type_map[parent]
    assert isinstance(kind, GraphQLObjectType)
    return paths.definition(kind.fields[field])


def undecided(part: str, there: dict[Any, str]) -> list[str]:
    return registers.undecided(expectations.REGISTER, there, expectations.decided(part))


def test_every_kind_of_row_has_an_expectation() -> None:
    kinds = {entity.name: registers.room_of(entity.type) for entity in ENTITIES.values()}

    assert undecided("expected", kinds) == []


def test_every_row_of_the_world_has_an_expectation(site: Site) -> None:
    rooms = {entity.name: registers.room_of(entity.type) for entity in ENTITIES.values()}
    without = [
        f"{entity} {name} has no decision in {registers.file_of(rooms[entity], expectations.REGISTER)}"
        for entity, rows in site.world.rows.items()
        for name in rows
        if "*" not in EXPECTED[entity] and name not in EXPECTED[entity]
    ]
    empty = [
        f"of {entity} there is no row: {registers.file_of(rooms[entity], 'world')}"
        for entity in ENTITIES
        if not site.world.rows.get(entity)
    ]
    assert (without, empty) == ([], [])


def test_every_path_that_is_no_declaration_was_looked_at(schema: strawberry.Schema, all_paths: list[Path]) -> None:
    by_code = [str(path) for path in all_paths if path.mark is None]

    assert undecided("computed", places(schema, by_code)) == []


def test_every_computed_field_was_looked_at(schema: strawberry.Schema) -> None:
    by_code = set(paths.computed(schema._schema))
    leading = {name for name in COMPUTED if name.partition(".")[0] in ENTITIES}

    assert undecided("reviewed", places(schema, by_code - leading)) == []
    assert leading <= by_code


def test_every_narrower_list_has_an_expectation(schema: strawberry.Schema, all_paths: list[Path]) -> None:
    narrower = [
        str(path)
        for path in all_paths
        if isinstance(path.mark, Many) and path.mark.visible and not paths.linking(path.mark)
    ]
    assert undecided("narrower", places(schema, narrower)) == []


def test_every_filter_is_tried(schema: strawberry.Schema) -> None:
    public = {entity for entity, seen in EXPECTED.items() if seen.get("*") == EVERYBODY}
    by_name = {str(path): path for path in paths.paths(schema._schema)}
    below_rows = {str(path) for path in by_name.values() if path.parent in ENTITIES}  # They take the filters of lists.
    by_code = {path for path in by_name if path in COMPUTED}  # Each has a test of its own, with its filter.
    tried = {(path, name) for path, name in paths.filters(schema._schema) if by_name[path].target not in public}
    lists = {cell: cell[0] for cell in tried if cell[0] not in below_rows | by_code}

    rooms = places(schema, lists.values())
    assert undecided("filters", {cell: rooms[path] for cell, path in lists.items()}) == []


def test_every_subscription_and_mutation_is_tried(schema: strawberry.Schema) -> None:
    core = schema._schema
    assert core.subscription_type is not None
    assert core.mutation_type is not None
    assert undecided("subscriptions", _rooms_of(core.subscription_type.fields)) == []
    assert undecided("mutations", _rooms_of(core.mutation_type.fields)) == []


def _rooms_of(fields: dict[str, GraphQLField]) -> dict[str, str]:
    return {name: registers.room_of(paths.definition(field).origin) for name, field in fields.items()}


# Reads.


@pytest.mark.parametrize("role", ROLES)
async def test_node_shows_what_the_role_may_see(site: Site, role: str) -> None:
    ids = [site.id_of(entity, name) for entity, rows in site.world.rows.items() for name in rows]
    fields = " ".join(f'n{number}: node(id: "{id}") {{ id }}' for number, id in enumerate(ids))

    data, errors = await site.ask(role, f"{{ {fields} }}")

    shown = {site.name_of(node["id"]) for node in data.values() if node}
    assert shown == {f"{entity} {name}" for entity in EXPECTED for name in site.seen(role, entity)}
    assert errors == []


@pytest.mark.parametrize("role", ROLES)
async def test_nodes_show_the_same(site: Site, role: str) -> None:
    for entity, rows in site.world.rows.items():
        data, errors = await site.ask(
            role,
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            ids=[site.id_of(entity, name) for name in rows],
        )

        assert (set(site.names(data["nodes"])), errors) == (site.seen(role, entity), [])


def listed(site: Site, page: Any) -> list[str]:
    return site.names([edge["node"] for edge in page["edges"]])


def expected_of_list(site: Site, role: str, path: Path) -> Rows:
    assert path.target is not None
    if str(path) in NARROWER:
        return {name for name, seen in NARROWER[str(path)].items() if role in seen}
    return site.seen(role, path.target)


def root_lists(all_paths: list[Path]) -> list[Path]:
    return [path for path in all_paths if isinstance(path.mark, Many) and path.mark.on is None]


def at_root(path: Path, selection: str) -> str:
    return f"{{ {selection} }}" if path.parent == "Query" else f"{{ {path.parent.lower()} {{ {selection} }} }}"


def below_root(path: Path, data: Any) -> Any:
    holder = data if path.parent == "Query" else data[path.parent.lower()]
    return None if holder is None else holder[path.name]


@pytest.mark.parametrize("role", ROLES)
async def test_lists_hold_and_count_what_the_role_may_see(site: Site, all_paths: list[Path], role: str) -> None:
    for path in root_lists(all_paths):
        data, errors = await site.ask(role, at_root(path, path.selection))

        page = below_root(path, data)
        assert errors == []
        if page is None:
            assert (role, path.parent) == ("nobody", "Viewer")
            continue
        expected = expected_of_list(site, role, path)
        assert (str(path), sorted(listed(site, page))) == (str(path), sorted(expected))
        assert (str(path), page["totalCount"]) == (str(path), len(expected))


@pytest.mark.parametrize("role", ROLES)
async def test_neither_orders_nor_forged_cursors_show_more(
    site: Site, schema: strawberry.Schema, all_paths: list[Path], role: str
) -> None:
    first, last = encode_cursor("ID", UUID(int=0)), encode_cursor("ID", UUID(int=2**128 - 1))
    for path in root_lists(all_paths):
        assert isinstance(path.mark, Many)
        arguments = [f"orderBy: {order}, first: 100" for order in paths.orders(schema._schema, path)]
        if "ID" in path.mark.orders:
            arguments += [f'after: "{first}", first: 100', f'before: "{last}", last: 100']
        for given in arguments:
            selection = f"{path.name}({given}) {{ totalCount edges {{ node {{ id }} }} }}"
            data, errors = await site.ask(role, at_root(path, selection))
            page = below_root(path, data)
            if page is not None:
                expected = expected_of_list(site, role, path)
                assert (given, sorted(listed(site, page)), errors) == (given, sorted(expected), [])
                assert page["totalCount"] == len(expected)


@pytest.mark.parametrize("role", ROLES)
async def test_filters_find_nothing_that_is_hidden(site: Site, all_paths: list[Path], role: str) -> None:
    by_name = {str(path): path for path in all_paths}
    for (list_name, condition), (value, matching) in FILTERS.items():
        path = by_name[list_name]
        given = f"{condition}: {value(site.id_of)}"
        selection = f"{path.name}(filter: {{ {given} }}, first: 100) {{ totalCount edges {{ node {{ id }} }} }}"

        data, errors = await site.ask(role, at_root(path, selection))

        page = below_root(path, data)
        if page is not None:
            expected = expected_of_list(site, role, path) & matching
            assert (given, set(listed(site, page)), page["totalCount"]) == (given, expected, len(expected))
        assert errors == []


@pytest.mark.parametrize("entity", sorted(EXPECTED))
@pytest.mark.parametrize("role", ROLES)
async def test_edges_and_nested_lists_lead_only_to_what_the_role_may_see(
    site: Site, all_paths: list[Path], truth: dict[str, Any], role: str, entity: str
) -> None:
    leading = [path for path in all_paths if path.parent == entity]
    ids = [site.id_of(entity, name) for name in site.seen(role, entity)]
    selection = " ".join(path.selection for path in leading)

    data, errors = await site.ask(
        role, f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {entity} {{ {selection} }} }} }}", ids=ids
    )

    assert errors == []
    for node in data["nodes"]:
        for path in leading:
            assert _found(site, path, node) == _expected(site, truth, role, path, node), f"{path} of {node['id']}"


def _found(site: Site, path: Path, node: Any) -> Any:
    value = node[path.name]
    if not path.is_list:
        return value and value["id"]
    shown = [edge["node"]["id"] for edge in value["edges"]]
    return sorted(shown), value["totalCount"]


def _expected(site: Site, truth: dict[str, Any], role: str, path: Path, node: Any) -> Any:
    key = UUID(node["id"].partition(":")[2])
    if path.mark is None:
        target = COMPUTED[str(path)](site.world.name_of(path.parent, key))
        return site.id_of(*target) if target and may_see(role, *target) else None
    assert path.target is not None
    if isinstance(path.mark, Edge):
        return _shown(site, role, path.target, truth[str(path)][key])
    linked_by = paths.linking(path.mark)
    if str(path) in NARROWER:
        expected = expected_of_list(site, role, path)
        there = [(id, site.world.name_of(path.target, id)) for id, _ in truth[str(path)].get(key, ())]
        ids = sorted(f"{path.target}:{id}" for id, name in there if name in expected)
        return ids, len(ids)
    rows = [
        f"{path.target}:{id}"
        for id, link in truth[str(path)].get(key, ())
        if _shown(site, role, path.target, id) and (linked_by is None or _shown(site, role, linked_by, link))
    ]
    return sorted(rows), len(rows)


def _shown(site: Site, role: str, entity: str, id: UUID | None) -> str | None:
    return f"{entity}:{id}" if id and may_see(role, entity, site.world.name_of(entity, id)) else None


@pytest.mark.parametrize("role", ROLES)
async def test_the_viewer_is_the_one_who_asks(site: Site, role: str) -> None:
    data, errors = await site.ask(role, "{ viewer { user { id name } roles } }")

    viewer = data["viewer"]
    expected = site.seen(role, "User")
    assert errors == []
    if role == "nobody":
        assert viewer is None
    elif role == "platform administrator":
        assert viewer["user"]["name"] == "Root"
    else:
        assert {site.name_of(viewer["user"]["id"]).partition(" ")[2]} if viewer["user"] else set() == expected


# What may be told of hidden things by refusals.


@pytest.mark.parametrize("role", ["outsider", "member", "neighbour", "partner that reads", "meter gateway"])
async def test_refusals_do_not_tell_whether_a_hidden_thing_exists(site: Site, role: str) -> None:
    for name, given in MUTATIONS.items():
        for entity, hidden in given.hidden.items():
            if may_see(role, entity, hidden):
                continue
            shown = "errors { __typename code message path }"
            document = f"mutation ($input: {given.input_type(name)}!) {{ {name}(input: $input) {{ {shown} }} }}"
            there = given.input(site.id_of, {entity: site.id_of(entity, hidden)})
            nowhere = given.input(site.id_of, {entity: f"{entity}:{new_id()}"})
            answers = [await site.ask(role, document, input=each) for each in (there, nowhere)]
            assert _without_ids(answers[0]) == _without_ids(answers[1]), f"{name} with {entity} {hidden}"
            assert answers[0][1] or answers[0][0][name]["errors"], f"{name} was done"


def _without_ids(answer: Any) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", orjson.dumps(answer).decode())


@pytest.mark.parametrize("role", ENDED)
async def test_tokens_that_have_ended_are_nobodys(site: Site, role: str) -> None:
    token = site.world.tokens[role]
    assert token is not None
    async with site.database.reading() as connection:
        assert await sight.viewer_of(connection, token, now=datetime.now(UTC)) is None
