"""Who sees what, by every path: role x kind of row x path.

Paths are node, nodes, lists, edges, nested lists, filters, cursors, subscriptions, REST and the text of refusals.

The paths are read from the schema and the expectations are written by hand (`authorization/expectations.py`), so that
a new type, field, filter, subscription or mutation without a decision fails here by its name.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx2
import orjson
import pytest
import strawberry
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette

from api import house
from api.engine.connections import encode_cursor
from api.engine.declarations import ENTITIES, Edge, Many
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.ledger import callbacks
from api.resources.authentication import Authentication
from api.resources.database import Database, connect
from api.resources.events import Hub
from api.resources.settings import Settings
from domain.communities import sight
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from tests.api import both_ways
from tests.api.authorization import expectations, paths
from tests.api.authorization.expectations import EXPECTED, may_see
from tests.api.authorization.paths import Path
from tests.api.authorization.requests import (
    COMPUTED,
    FILTERS,
    MUTATIONS,
    REVIEWED,
    SILENT,
    SUBSCRIPTIONS,
    TOLD,
    Followed,
)
from tests.api.authorization.world import ENDED, ROLES, World, a_world
from tests.conftest import Server

Rows = set[str]


@dataclass
class Site:
    """The schema over the world, as any role sees it."""

    schema: strawberry.Schema
    database: Database
    world: World
    viewers: dict[str, Viewer] = field(default_factory=dict)

    async def viewer(self, role: str) -> Viewer:
        if role not in self.viewers:
            self.viewers[role] = await self._viewer(role)
        return self.viewers[role]

    async def _viewer(self, role: str) -> Viewer:
        token = self.world.tokens[role]
        if token is None:
            return ANONYMOUS
        async with self.database.reading() as connection:
            viewer = await sight.viewer_of(connection, token)
        assert viewer is not None
        return viewer

    async def context(self, role: str) -> Context:
        return Context(self.database, Hub(self.database, Redis()), await self.viewer(role))

    async def ask(self, role: str, document: str, **variables: Any) -> tuple[Any, list[str]]:
        """Data, and the codes of top-level errors."""
        viewer = await self.viewer(role)
        hub = Hub(self.database, Redis())
        answer = await both_ways.execute(self.schema, lambda: Context(self.database, hub, viewer), document, variables)
        codes = [str((error.extensions or {}).get("code", error)) for error in answer.errors or ()]
        return orjson.loads(orjson.dumps(answer.data)), codes

    def id_of(self, entity: str, name: str) -> str:
        return f"{entity}:{self.world.rows[entity][name]}"

    def name_of(self, id: str) -> str:
        entity, _, key = id.partition(":")
        return f"{entity} {self.world.name_of(entity, UUID(key))}"

    def seen(self, role: str, entity: str) -> Rows:
        """Names of the rows of a kind that a role should see."""
        return {name for name in self.world.rows.get(entity, {}) if may_see(role, entity, name)}


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    """All that is offered."""
    return make_schema()


@pytest.fixture(scope="module")
async def site(server: Server, schema: strawberry.Schema) -> AsyncIterator[Site]:
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=4)
    yield Site(schema, database, await a_world(database))
    await database.close()
    await server.drop_database(url)


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


def test_every_kind_of_row_has_an_expectation(schema: strawberry.Schema) -> None:
    assert set(EXPECTED) == set(ENTITIES)


def test_every_row_of_the_world_has_an_expectation(site: Site) -> None:
    undecided = [
        f"{entity} {name}"
        for entity, rows in site.world.rows.items()
        for name in rows
        if "*" not in EXPECTED[entity] and name not in EXPECTED[entity]
    ]
    empty = [entity for entity in ENTITIES if not site.world.rows.get(entity)]
    assert (undecided, empty) == ([], [])


def test_every_path_that_is_no_declaration_was_looked_at(all_paths: list[Path]) -> None:
    assert {str(path) for path in all_paths if path.mark is None} == set(COMPUTED)


def test_every_computed_field_was_looked_at(schema: strawberry.Schema) -> None:
    assert set(paths.computed(schema._schema)) == REVIEWED | {
        name for name in COMPUTED if name.split(".")[0] in ENTITIES
    }


def test_every_narrower_list_has_an_expectation(all_paths: list[Path]) -> None:
    narrower = {
        str(path)
        for path in all_paths
        if isinstance(path.mark, Many) and path.mark.visible and not paths.linking(path.mark)
    }
    assert narrower == set(expectations.NARROWER)


def test_every_filter_is_tried(schema: strawberry.Schema) -> None:
    public = {entity for entity, seen in EXPECTED.items() if seen.get("*") == expectations.EVERYBODY}
    by_name = {str(path): path for path in paths.paths(schema._schema)}
    below_rows = {str(path) for path in by_name.values() if path.parent in ENTITIES}  # They take the filters of lists.
    by_code = {path for path in by_name if path in COMPUTED}  # Each has a test of its own, with its filter.
    tried = {(path, name) for path, name in paths.filters(schema._schema) if by_name[path].target not in public}
    assert {cell for cell in tried if cell[0] not in below_rows | by_code} == set(FILTERS)


def test_every_subscription_and_mutation_is_tried(schema: strawberry.Schema) -> None:
    core = schema._schema
    assert core.subscription_type is not None
    assert core.mutation_type is not None
    assert set(core.subscription_type.fields) == set(SUBSCRIPTIONS)
    assert set(core.mutation_type.fields) == set(MUTATIONS)


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

        assert (set(names(site, data["nodes"])), errors) == (site.seen(role, entity), [])


def names(site: Site, nodes: list[Any]) -> list[str]:
    return [site.name_of(node["id"]).partition(" ")[2] for node in nodes if node]


def listed(site: Site, page: Any) -> list[str]:
    return names(site, [edge["node"] for edge in page["edges"]])


def expected_of_list(site: Site, role: str, path: Path) -> Rows:
    assert path.target is not None
    if str(path) in expectations.NARROWER:
        return {name for name, seen in expectations.NARROWER[str(path)].items() if role in seen}
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
    if str(path) in expectations.NARROWER:
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


@dataclass(frozen=True)
class Named:
    python_name: str
    name: str


# Fields with code of their own.


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


@pytest.mark.parametrize("role", ROLES)
async def test_the_wallet_is_that_of_who_asks(site: Site, role: str) -> None:
    data, errors = await site.ask(role, "{ viewer { wallet { id available } user { id } } }")

    assert errors == []
    if role == "nobody":
        assert data["viewer"] is None
        return
    wallet, user = data["viewer"]["wallet"], data["viewer"]["user"]
    expected = [] if role == "platform administrator" else site.seen(role, "Wallet")
    assert (wallet and wallet["id"].partition(":")[2]) == (user and user["id"].partition(":")[2])
    assert wallet is None or role == "platform administrator" or names(site, [wallet]) == list(expected)


READINGS = """
query ($id: ID!, $start: DateTime!, $end: DateTime!) { node(id: $id) { ... on MeteringPoint {
  readings(period: {start: $start, end: $end}, direction: WITHDRAWN, resolution: HOUR) { energyKwh missing }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_readings_are_seen_for_the_days_that_concern_the_role(site: Site, role: str) -> None:
    told: dict[tuple[str, str], bool] = {}
    for point, day in expectations.READINGS:
        span = {"start": f"{day}T00:00:00Z", "end": f"{day}T12:00:00Z"}
        data, errors = await site.ask(role, READINGS, id=site.id_of("MeteringPoint", point), **span)
        assert errors == []
        told[point, day] = bool(data["node"]) and sum(data["node"]["readings"]["energyKwh"]) > 0

    assert told == {cell: role in seen for cell, seen in expectations.READINGS.items()}


BALANCE = """
query ($id: ID!) { node(id: $id) { ... on Community { memberCount
  balance(period: {start: "2026-03-09T23:00:00Z", end: "2026-03-10T23:00:00Z"}, resolution: DAY) { withdrawnKwh }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_balances_of_few_are_for_who_administers(site: Site, role: str) -> None:
    told = {}
    for name in expectations.BALANCES:
        data, errors = await site.ask(role, BALANCE, id=site.id_of("Community", name))
        told[name] = bool(data and data["node"])
        assert errors in ([], ["FORBIDDEN"])
        if told[name]:
            assert data["node"]["balance"]["withdrawnKwh"] == [{"A": 132.0, "B": 36.0}[name]]

    assert told == {name: role in seen for name, seen in expectations.BALANCES.items()}


LEADERBOARD = """
query ($id: ID!) { node(id: $id) { ... on Community {
  leaderboard(kind: SELF_SUFFICIENCY, month: "2026-03-01", first: 100) { rankedCount entries { label isViewer } }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_leaderboards_are_for_who_is_in_a_community(site: Site, role: str) -> None:
    told: dict[str, bool] = {}
    for name, (_, ranked) in expectations.LEADERBOARDS.items():
        data, errors = await site.ask(role, LEADERBOARD, id=site.id_of("Community", name))
        told[name] = bool(data and data["node"])
        assert errors in ([], ["FORBIDDEN"])
        if told[name]:
            board = data["node"]["leaderboard"]
            assert (board["rankedCount"], len(board["entries"])) == (ranked, ranked or 0)

    assert told == {name: role in seen for name, (seen, _) in expectations.LEADERBOARDS.items()}


INSIGHTS = '{ viewer { insights(month: "2026-03-01") { community { id } } rating { level } } }'


@pytest.mark.parametrize("role", ROLES)
async def test_insights_are_beside_communities_that_the_viewer_is_in(site: Site, role: str) -> None:
    data, errors = await site.ask(role, INSIGHTS)

    assert errors == []
    if role == "nobody":
        assert data["viewer"] is None
        return
    beside = {each["community"] and each["community"]["id"] for each in data["viewer"]["insights"]}
    held = {"A": expectations.IN_A, "B": expectations.IN_B}
    communities: set[str | None] = {site.id_of("Community", name) for name, roles in held.items() if role in roles}
    may_read = role not in {"partner that trades", "meter gateway"}
    assert beside == (communities or {None} if may_read else set())


SERIES = """
query ($run: ID!, $member: ID!) { node(id: $run) { ... on AllocationRun {
  series(memberId: $member, period: {start: "2026-02-10T11:00:00Z", end: "2026-02-10T12:00:00Z"}) { sharedInKwh }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_series_of_a_run_are_told_like_its_totals(site: Site, role: str) -> None:
    """Eve administers B, where Fred is too; what he shared in A is not hers to know, though she may see that run."""
    for run in site.seen(role, "AllocationRun"):
        for member in site.world.rows["Member"]:
            asked = {"run": site.id_of("AllocationRun", run), "member": site.id_of("Member", member)}
            data, errors = await site.ask(role, SERIES, **asked)
            total = f"{member} in {run[-1]}"
            is_told = total in site.world.rows["MemberAllocation"] and may_see(role, "MemberAllocation", total)
            is_there = RUN_OF.get(total) == run
            expected = [0.005] * 4 if is_told and is_there else None
            told = data["node"]["series"]["sharedInKwh"] if data and data["node"] else None
            assert (run, member, told) == (run, member, expected)
            assert errors == ([] if expected else ["BAD_USER_INPUT"])


RUN_OF = {
    "bob in A": "six of A",
    "fred in A": "six of A",
    "hal in A": "six of A",
    "cyn in A": "three of A",
    "fred in B": "three of B",
    "gus in B": "three of B",
}


LOAD = """
query ($id: ID!) { node(id: $id) { ... on MarketZone {
  load(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) { loadKw withdrawnKwh utilisation level }
  analytics(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) { measuredHours peakUtilisation }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_loads_of_few_are_for_who_operates_the_zone(site: Site, role: str) -> None:
    """The hours of the period have one load each: of four points, of four members, and of five of both."""
    for zone, may_see_all in expectations.LOADS_OF_FEW.items():
        data, errors = await site.ask(role, LOAD, id=site.id_of("MarketZone", zone))

        load, hours = data["node"]["load"], data["node"]["analytics"]["measuredHours"]
        hidden = None if role not in may_see_all else 100.0
        assert ([load["loadKw"][quarter] for quarter in (0, 4, 8)], errors) == ([hidden, hidden, 100.0], [])
        for column in ("withdrawnKwh", "utilisation", "level"):
            assert [load[column][quarter] is None for quarter in (0, 4, 8)] == [hidden is None, hidden is None, False]
        assert hours == ("0.25" if hidden is None else "0.75")


ENTRIES = """
query ($scope: ID!) {
  auditEntries(filter: {scopeId: $scope}) { totalCount edges { node { chain } } }
  auditVerification(scopeId: $scope) { entriesCount isIntact }
}
"""


@pytest.mark.parametrize("role", ROLES)
async def test_chains_of_the_audit_log_are_read_by_who_may_audit_them(site: Site, role: str) -> None:
    for (entity, name), readers in expectations.AUDITED.items():
        scope = site.id_of(entity, name) if name else "platform"
        data, errors = await site.ask(role, ENTRIES, scope=scope)

        if role in readers:
            chains = {edge["node"]["chain"] for edge in data["auditEntries"]["edges"]}
            assert (chains <= {scope.rpartition(":")[2]}, errors) == (True, [])
            assert data["auditVerification"]["isIntact"]
        else:
            assert (data, set(errors)) == (None, {"UNAUTHENTICATED" if role == "nobody" else "FORBIDDEN"})


@pytest.mark.parametrize("role", ROLES)
async def test_the_whole_audit_log_is_for_administrators_of_the_platform(site: Site, role: str) -> None:
    data, errors = await site.ask(role, "{ auditEntries(first: 1) { edges { node { act } } } }")

    if role in expectations.ROOT:
        assert (len(data["auditEntries"]["edges"]), errors) == (1, [])
    else:
        assert (data, errors) == (None, ["UNAUTHENTICATED" if role == "nobody" else "FORBIDDEN"])


DECISIONS = "query ($id: ID!) { node(id: $id) { ... on TradingRuleRun { decisions { order { id } } } } }"


@pytest.mark.parametrize("role", ROLES)
async def test_decisions_of_a_rule_lead_to_orders_of_its_owner(site: Site, role: str) -> None:
    for name in site.seen(role, "TradingRuleRun"):
        data, errors = await site.ask(role, DECISIONS, id=site.id_of("TradingRuleRun", name))

        order = {"order": {"id": site.id_of("Order", name)}}
        assert (data["node"]["decisions"], errors) == ([order], [])


STATISTICS = """
{ viewer { tradingStatistics(period: {start: "2025-12-01T00:00:00Z", end: "2027-12-01T00:00:00Z"}, by: MONTH) {
  total { purchasesCount salesCount } } } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_statistics_are_of_the_own_trades_alone(site: Site, role: str) -> None:
    data, errors = await site.ask(role, STATISTICS)

    traded = {"purchasesCount": int(role == "member"), "salesCount": int(role == "unlisted member")}  # Gus to Bob.
    shown = data["viewer"] and data["viewer"]["tradingStatistics"]["total"]
    assert (shown, errors) == (None if role == "nobody" else traded, [])


# Streams.


@pytest.mark.parametrize("role", ROLES)
async def test_subscriptions_to_what_is_hidden_are_refused(site: Site, role: str) -> None:
    for name, followed in SUBSCRIPTIONS.items():
        for row in site.world.rows[followed.entity]:
            expected = followed.expected(role, row)
            told = await _first_of(site, role, _document_of(site, followed, row), 0.3 if expected == SILENT else 5)
            assert (name, row, told) == (name, row, expected)


def _document_of(site: Site, followed: Followed, row: str) -> str:
    def start_of(stream: str) -> str:
        number = orjson.dumps([f"market:{site.world.rows[followed.entity][row]}:{stream}", 0])
        return base64.urlsafe_b64encode(number).decode()

    return followed.document(site.id_of(followed.entity, row), start_of)


async def _first_of(site: Site, role: str, document: str, wait_s: float) -> str:
    """TOLD when the stream tells something, SILENT when it does not, or the code with which it is refused."""
    stream: Any = await site.schema.subscribe(document, context_value=await site.context(role))
    if not hasattr(stream, "__anext__"):
        return str(stream.errors[0].extensions["code"])
    try:
        first = await asyncio.wait_for(anext(stream), wait_s)
    except TimeoutError:
        return SILENT
    finally:
        await stream.aclose()
    return str(first.errors[0].extensions["code"]) if first.errors else TOLD


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


# REST.
REST = [part for room in house.rooms() for part in room.routes]
SIGNED = [part for room in house.rooms() for part in room.signed]


@pytest.fixture(scope="module")
async def rest(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """The REST routes, as they are served."""
    routes = [route for part in REST for route in part.routes(site.database, Authentication(site.database))]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as client:
        yield client


def test_every_route_has_an_expectation() -> None:
    assert {part.PATH for part in REST} == {path for path, _ in expectations.LET_IN}
    assert {part.PATH for part in SIGNED} == expectations.SIGNED


@pytest.mark.parametrize("role", ROLES)
async def test_no_token_opens_a_route_that_asks_for_a_signature(site: Site, role: str) -> None:
    token = site.world.tokens[role]
    app = Starlette(
        routes=callbacks.routes(
            site.database, cast(Settings, SimpleNamespace(payment_secret=SecretStr("the provider's")))
        )
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
        for path in expectations.SIGNED:
            answer = await client.post(path, json={}, headers={"authorization": f"Bearer {token}"} if token else {})
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "SIGNATURE_INVALID")


@pytest.mark.parametrize(("path", "community"), list(expectations.LET_IN))
@pytest.mark.parametrize("role", [*ROLES, *ENDED])
async def test_routes_let_in_who_they_are_for(
    site: Site, rest: httpx2.AsyncClient, role: str, path: str, community: str | None
) -> None:
    token = site.world.tokens[role]
    headers = {"authorization": f"Bearer {token}"} if token else {}
    query = {"community": site.id_of("Community", community)} if community else {}

    method = "GET" if path in expectations.READ else "POST"
    answer = await rest.request(method, path, params=query, headers=headers)

    if role == "nobody" or role in ENDED:
        assert answer.status_code == 401
    elif role in expectations.LET_IN[path, community]:
        assert answer.status_code == 400  # Nothing was sent.
        assert "no such community" not in answer.text
    elif community and not may_see(role, "Community", community):
        assert answer.status_code == 400
        assert "There is no such community." in answer.text
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize(("key", "point", "day"), sorted(expectations.POSTS))
async def test_gateways_post_for_days_that_concern_them(
    site: Site, rest: httpx2.AsyncClient, key: str, point: str, day: str
) -> None:
    entry = {"point": f"POINT-{point}", "direction": "WITHDRAWN", "resolutionMinutes": 15}
    readings = [entry | {"start": f"{day}T08:00:00Z", "values": ["0.25"]}]

    answer = await rest.post(
        "/v1/readings", json={"readings": readings}, headers={"authorization": f"Bearer {site.world.tokens[key]}"}
    )

    assert answer.status_code == (200 if expectations.POSTS[key, point, day] else 422), answer.text


@pytest.mark.parametrize("role", ENDED)
async def test_tokens_that_have_ended_are_nobodys(site: Site, role: str) -> None:
    token = site.world.tokens[role]
    assert token is not None
    async with site.database.reading() as connection:
        assert await sight.viewer_of(connection, token) is None
