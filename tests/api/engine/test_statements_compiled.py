"""The compiled path takes one statement per root field, however large its pages are."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from api.engine.declarations import ENTITIES, Many, global_id
from api.engine.plans import Plans
from api.engine.selections import refusals
from api.graphql.schema import make_schema
from api.resources.database import Database, connect
from tests.api.authorization import paths
from tests.api.authorization.paths import Path
from tests.api.crowd import MANY, Crowd, a_crowd, room_file
from tests.api.selections import document_of
from tests.conftest import Server

SCHEMA = make_schema()
CORE = SCHEMA._schema
IN_PYTHON = refusals(CORE)
CONNECTIONS = [path for path in paths.paths(CORE) if isinstance(path.mark, Many)]


@dataclass
class Counting:
    """A database that counts the statements it is sent."""

    database: Database
    crowd: Crowd
    statements: int = 0

    async def fetch(self, sql: str, values: Sequence[Any]) -> Any:
        self.statements += 1
        return await self.database.fetch(sql, values)

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of all parts of a document, by path; each must have been compiled."""
        self.statements = 0
        parsed = parse(document)
        operation = parsed.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        plans = Plans(SCHEMA)
        prepared = plans.prepared(plans.operation(parsed, operation), variables)
        assert prepared is not None
        assert prepared.plan.parts, f"not compiled: {document}"
        found = {}
        for path in prepared.plan.parts:
            text = await prepared.part(path, self, self.crowd.owner)
            assert text is not None, f"not compiled: {document}"
            found[path] = orjson.loads(text)
        return found


@pytest.fixture(scope="module")
async def counting(server: Server) -> AsyncIterator[Counting]:
    url = await server.create_database()
    database = connect(url, role=None, pool=2)
    yield Counting(database, await a_crowd(database))
    await database.close()
    await server.drop_database(url)


@pytest.mark.parametrize("path", CONNECTIONS, ids=str)
async def test_a_page_takes_one_statement(counting: Counting, path: Path) -> None:
    document, variables = document_of(CORE, path, without=IN_PYTHON), {}
    if path.parent in ENTITIES:
        variables["id"] = global_id(path.parent, counting.crowd.parent(path.parent))

    for size in (1, MANY):
        [(place, page)] = (await counting.ask(document, size=size, **variables)).items()
        page = page if path.parent not in ENTITIES else page["page"]

        assert len(page["edges"]) == size, f"the crowd has too few of {path}: {room_file(path.target)}"
        assert counting.statements == 1, place


async def test_pages_below_fifty_parents_take_one_statement(counting: Counting) -> None:
    for path in CONNECTIONS:
        if path.parent in ENTITIES:
            ids = [global_id(path.parent, key) for key in counting.crowd.rows[path.parent][:MANY]]
            page = f"{path.name}(first: 3) {{ totalCount edges {{ cursor node {{ id }} }} }}"
            document = f"query Q($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {path.parent} {{ {page} }} }} }}"
            [nodes] = (await counting.ask(document, ids=ids)).values()

            assert len(nodes) == MANY
            assert counting.statements == 1, path


async def test_root_fields_take_one_statement_each(counting: Counting) -> None:
    found = await counting.ask(
        "{ a: communities { totalCount } b: markets { totalCount } node(id: $id) { id } }".replace(
            "$id", f'"{global_id("Community", counting.crowd.parent("Community"))}"'
        )
    )

    assert len(found) == counting.statements == 3
