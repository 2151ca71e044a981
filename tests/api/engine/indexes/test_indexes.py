"""Every compiled shape reads tables that grow through an index, at a million rows.

The shapes are read from the schema: each entity by its id, each edge and each connection, forward and backward, in all
its orders, for viewers whose predicates differ. The plans are those of PostgreSQL for the very statements that the
compiled path runs, both for given values and for any (`force_generic_plan`, which a connection comes to use).
"""

import os
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from api.engine.declarations import ENTITIES, Edge, global_id
from api.engine.plans import Plans
from api.graphql.schema import make_schema
from domain.identity.tables import PlatformRole
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api import registers
from tests.api.authorization import paths
from tests.api.authorization.paths import Path
from tests.api.engine.declared import EVERYBODY
from tests.api.engine.indexes import tall
from tests.api.engine.indexes.planning import a_planner
from tests.api.engine.rooms import TALL
from tests.conftest import Server

ROWS = int(os.environ.get("COMMONWATT_ROWS", "20000"))  # 1000000 for as many as the planner is told of.
SCHEMA = make_schema()
CORE = SCHEMA._schema
PATHS = [path for path in paths.paths(CORE) if path.mark is not None and path.target is not None]


COST_MAX = 2_000  # In the planner's units; to read one of the tables whole costs at least five times as much.


def key(number: int) -> UUID:
    """The id of row `number` of any table."""
    return UUID(f"01980000-0000-7000-8000-{number:012x}")


SOME = frozenset(key(number) for number in (3, 5, 8))
VIEWERS = {
    "nobody": ANONYMOUS,
    "outsider": Viewer(user_id=key(7)),
    "member": Viewer(user_id=key(7), member_ids=frozenset({key(7)}), community_ids=frozenset({key(3)})),
    "administrator": Viewer(
        user_id=key(7), member_ids=frozenset({key(7)}), community_ids=SOME, administered_ids=frozenset({key(3), key(5)})
    ),
    "platform administrator": Viewer(user_id=key(7), roles=frozenset({PlatformRole.ADMIN})),
}

COST_MAX_OF: dict[str, float] = {path: cost for each in TALL.values() for path, cost in each.cost_max.items()}
WALKED: dict[str, Collection[str]] = {path: who for each in TALL.values() for path, who in each.walked.items()}
if ROWS == tall.TOLD:
    WALKED |= {path: EVERYBODY for each in TALL.values() for path in each.walked_when_whole}


@dataclass
class Recorder:
    """Takes the place of the database: keeps the statements instead of running them."""

    statements: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    async def fetch(self, sql: str, values: Sequence[Any]) -> Any:
        self.statements.append((sql, values))
        return ("null", True)


@pytest.fixture(scope="module")
async def planner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    async with a_planner(server, ROWS, tall.read()) as connection:
        yield connection


def documents(path: Path) -> Iterator[str]:
    """Each way to ask for a path, with the ids of what it leads to."""
    if isinstance(path.mark, Edge):
        yield _holding(path, f"{path.name} {{ id }}")
        return
    assert path.target is not None
    for order in [*paths.orders(CORE, path)] or [""]:
        cursor = f"{order or 'ID'}:{key(ROWS // 2)}" + (f":text {ROWS // 2}" if order == "NAME" else "")
        ordered = f", orderBy: {order}" if order else ""
        for page in (f'first: 25, after: "{cursor}"', f'last: 25, before: "{cursor}"'):
            yield _holding(
                path, f"{path.name}({page}{ordered}) {{ pageInfo {{ hasNextPage }} edges {{ node {{ id }} }} }}"
            )


def _holding(path: Path, selection: str) -> str:
    if path.parent == "Query":
        return f"{{ {selection} }}"
    if path.parent == "Viewer":
        return f"{{ viewer {{ {selection} }} }}"
    return f'{{ node(id: "{global_id(path.parent, key(3))}") {{ ... on {path.parent} {{ {selection} }} }} }}'


async def statements_of(document: str, viewer: Viewer) -> list[tuple[str, Sequence[Any]]]:
    """What the compiled path runs for a document."""
    parsed = parse(document)
    operation = parsed.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    plans = Plans(SCHEMA)
    prepared = plans.prepared(plans.operation(parsed, operation), {})
    assert prepared is not None
    assert prepared.plan.parts, f"not compiled: {document}"
    recorder = Recorder()
    for path in prepared.plan.parts:
        await prepared.part(path, recorder, viewer)
    return recorder.statements


async def plans_of(planner: asyncpg.Connection, sql: str, values: Sequence[Any]) -> list[Any]:
    """The plans for these values and for any."""
    found = [await planner.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)]
    await planner.execute("SET plan_cache_mode = force_generic_plan")
    await planner.execute(f"PREPARE asked AS {sql}")
    nulls = f"({', '.join(['NULL'] * len(values))})" if values else ""
    found.append(await planner.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{nulls}"))
    await planner.execute("DEALLOCATE asked; RESET plan_cache_mode")
    return [orjson.loads(text)[0]["Plan"] for text in found]


async def faults_of(
    planner: asyncpg.Connection, document: str, walkers: Collection[str] = (), cost_max: float = COST_MAX
) -> set[str]:
    """What is wrong with the plans of a document, for all viewers."""
    tall_tables = {table.name for table in tall.growing()}
    found = set()
    for role, viewer in VIEWERS.items():
        for sql, values in await statements_of(document, viewer):
            for plan in await plans_of(planner, sql, values):
                wrong = [scan for scan in tall.scans(plan) if scan.table in tall_tables and not scan.is_sought]
                if role in walkers:
                    wrong = [scan for scan in wrong if scan.kind == "Seq Scan"]
                found |= {f"{scan.kind} of {scan.table} {scan.index} {scan.condition}, {role}" for scan in wrong}
                if plan["Total Cost"] > cost_max:
                    found.add(f"costs {plan['Total Cost']:.0f}, {role}: {sorted(tall.scans(plan))}")
    return found


@pytest.mark.parametrize("path", PATHS, ids=str)
async def test_tables_that_grow_are_read_by_index(planner: asyncpg.Connection, path: Path) -> None:
    for document in documents(path):
        assert not await faults_of(
            planner, document, WALKED.get(str(path), ()), COST_MAX_OF.get(str(path), COST_MAX)
        ), f"{document} {_file_of(path)}"


def _file_of(path: Path) -> str:
    """Where a list would be said to be walked."""
    assert path.target is not None
    return registers.file_of(registers.room_of(ENTITIES[path.target].type), "tall")


async def test_nodes_of_all_types_are_read_by_index(planner: asyncpg.Connection) -> None:
    ids = orjson.dumps([global_id(name, key(3)) for name in ENTITIES]).decode()

    found = await faults_of(planner, f"{{ nodes(ids: {ids}) {{ __typename id }} }}", cost_max=inf)  # Many small ones.

    assert not found


async def test_a_table_that_is_read_whole_is_named(planner: asyncpg.Connection) -> None:
    [plan, _] = await plans_of(planner, "SELECT count(*) FROM trade WHERE energy_ukwh = 7", ())

    assert [(scan.kind, scan.table, scan.is_sought) for scan in tall.scans(plan)] == [("Seq Scan", "trade", False)]
    assert plan["Total Cost"] > 5 * COST_MAX


async def test_own_orders_in_a_market_are_sought_by_their_owner(planner: asyncpg.Connection) -> None:
    """A market has many orders and a trader few."""
    [path] = [path for path in PATHS if str(path) == "Market.orders"]
    for document in documents(path):
        for sql, values in await statements_of(document, VIEWERS["member"]):
            for plan in await plans_of(planner, sql, values):
                assert [scan for scan in tall.scans(plan) if "owner_id = " in scan.condition], sorted(tall.scans(plan))


def test_exceptions_are_there() -> None:
    assert {str(path) for path in PATHS} >= WALKED.keys() | COST_MAX_OF.keys()
    assert VIEWERS.keys() == EVERYBODY
