"""Run GraphQL documents against the test's own transaction, as any viewer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import httpx2
import orjson
import pytest
import strawberry
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from starlette.applications import Starlette

from api import house
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources.authentication import Authentication
from api.resources.database import Database, connect
from api.resources.events import Hub
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api import both_ways
from tests.api.authorization.site import Site
from tests.api.authorization.world import a_world
from tests.conftest import Server


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a document: data as clients see it, and the top-level errors' extensions."""

    data: Any
    errors: list[dict[str, Any]]

    def refusals(self, field: str) -> list[dict[str, Any]]:
        """Payload errors of a mutation that was not refused as a whole."""
        assert self.errors == []
        found: list[dict[str, Any]] = self.data[field]["errors"]
        return found


Execute = Callable[..., Awaitable[Answer]]


class OneTransaction:
    """The ways to use a database, all on the test's session, one at a time."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self.turn:
            yield await self.session.connection()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self.turn, self.session.begin_nested():
            yield self.session

    bare_transaction = transaction

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> asyncpg.Record | None:
        async with self.turn:
            connection = await (await self.session.connection()).get_raw_connection()
            return await cast(Any, connection.driver_connection).fetchrow(sql, *values)


@pytest.fixture(scope="session")
def schema() -> strawberry.Schema:
    return make_schema()


@pytest.fixture
def execute(session: AsyncSession, schema: strawberry.Schema) -> Execute:
    """`await execute(document, viewer, name=value, ...)`; nobody is signed in unless a viewer is given."""
    database = cast(Database, OneTransaction(session))

    async def run(document: str, viewer: Viewer = ANONYMOUS, **variables: Any) -> Answer:
        result = await both_ways.execute(
            schema, lambda: Context(database, cast(Hub, None), viewer), document, variables
        )
        errors = [{**(error.extensions or {}), "message": error.message} for error in result.errors or ()]
        assert all("code" in error for error in errors), result.errors
        return Answer(orjson.loads(orjson.dumps(result.data)), errors)

    return run


@pytest.fixture(scope="session")
async def site(server: Server, schema: strawberry.Schema) -> AsyncIterator[Site]:
    """The world of all roles. Leave nothing behind in it that one of them would see."""
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=4)
    yield Site(schema, database, await a_world(database))
    await database.close()
    await server.drop_database(url)


@pytest.fixture(scope="session")
async def rest(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """The REST routes, as they are served."""
    parts = [part for room in house.rooms() for part in room.routes]
    routes = [route for part in parts for route in part.routes(site.database, Authentication(site.database))]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as client:
        yield client
