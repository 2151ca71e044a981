"""No N+1: every connection takes as many statements for fifty objects as for one.

The connections are read from the schema. Each is asked with all columns, all edges and all connections one level below,
and all fields with code of their own that need no argument.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema
from redis.asyncio import Redis
from sqlalchemy import event

from api.engine.declarations import ENTITIES, Many, global_id
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources.database import Database, connect
from api.resources.events import Hub
from domain.identity.viewers import Viewer
from tests.api.authorization import paths
from tests.api.authorization.paths import Path
from tests.api.crowd import MANY, Crowd, a_crowd, room_file
from tests.api.selections import below, document_of
from tests.conftest import Server

SCHEMA = make_schema()
CORE: GraphQLSchema = SCHEMA._schema
CONNECTIONS = [path for path in paths.paths(CORE) if isinstance(path.mark, Many)]


@dataclass
class Asked:
    """Executes documents over a crowd, and counts the statements they take."""

    database: Database
    crowd: Crowd
    statements: int = 0

    async def ask(self, viewer: Viewer, document: str, **variables: Any) -> Any:
        self.statements = 0
        context = Context(self.database, Hub(self.database, Redis()), viewer)
        result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
        assert result.errors is None, result.errors
        return orjson.loads(orjson.dumps(result.data))


@pytest.fixture(scope="module")
async def asked(server: Server) -> AsyncIterator[Asked]:
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=4)
    owner = connect(url, role=None, pool=1)
    asked = Asked(database, await a_crowd(owner))
    await owner.close()

    def count(*_: Any) -> None:
        asked.statements += 1

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    yield asked
    await database.close()
    await server.drop_database(url)


# What two fields below each other's siblings ask of one loader goes together or not, as their answers come in.
TIMES = 2


@pytest.mark.parametrize("path", CONNECTIONS, ids=str)
async def test_fifty_take_as_many_statements_as_one(asked: Asked, path: Path) -> None:
    document, variables = document_of(CORE, path), {}
    if path.parent in ENTITIES:
        variables["id"] = global_id(path.parent, asked.crowd.parent(path.parent))
    viewer = asked.crowd.owner

    async def statements(size: int) -> int:
        data = await asked.ask(viewer, document, size=size, **variables)
        page = (data.get("holder") or data)["page"]
        assert len(page["edges"]) == size, f"the crowd has too few of {path}: {room_file(path.target)}"
        return asked.statements

    for_one = max([await statements(1) for _ in range(TIMES)])
    for_many = min([await statements(MANY) for _ in range(TIMES)])
    assert for_many <= for_one, document
    assert for_one <= 40


async def test_pages_below_fifty_parents_are_read_together(asked: Asked) -> None:
    """The same for connections below each of many parents, as a list shows them."""
    for path in CONNECTIONS:
        if path.parent in ENTITIES:
            ids = [global_id(path.parent, key) for key in asked.crowd.rows[path.parent][:MANY]]
            document = (
                f"query Q($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {path.parent} {{ {below(CORE, path)} }} }} }}"
            )
            viewer = asked.crowd.owner
            await asked.ask(viewer, document, ids=ids[:1])
            for_one = asked.statements
            await asked.ask(viewer, document, ids=ids)
            assert asked.statements <= for_one, path
