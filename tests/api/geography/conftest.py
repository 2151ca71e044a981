"""The geography of the API in an app of its own; what a test commits is rolled back after it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from api.geography import imports
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources.bare_pool import BarePool
from api.resources.database import Database
from api.resources.events import Hub
from api.transport.http.app import build_graphql_app
from api.transport.terms.errors import Unauthenticated
from api.transport.terms.settings import TransportSettings
from domain.identity.tables import ApiKeyKind, PlatformRole
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id

VIEWERS = {
    "admin": Viewer(user_id=new_id(), roles=frozenset({PlatformRole.ADMIN})),
    "member": Viewer(user_id=new_id()),
    "operator": Viewer(user_id=new_id(), roles=frozenset({PlatformRole.GRID_OPERATOR})),
    "meter": Viewer(user_id=new_id(), api_key_id=new_id(), api_key_kind=ApiKeyKind.METER),
}


SCHEMA = make_schema()


class RolledBack(Database):
    """Everything happens on one connection, one thing at a time, in savepoints of a transaction that is rolled back."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection.engine, cast(BarePool, None))
        self.connection = connection
        self.turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self.turn, self.connection.begin_nested():
            yield self.connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        bound = AsyncSession(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        async with self.turn, bound as session, session.begin():
            yield session

    def share_of(self, caller: str) -> Any:
        return self

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Any:
        async with self.turn:
            raw = await self.connection.get_raw_connection()
            return await cast(Any, raw.driver_connection).fetchrow(sql, *values)


@dataclass
class Site:
    """What tests talk to."""

    client: httpx2.AsyncClient
    database: Database

    async def ask(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer to a query of nobody in particular."""
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables or {}})
        assert answer.status_code < 500, answer.text
        body: dict[str, Any] = answer.json()
        return body


async def authenticate(token: str | None, address: str) -> Viewer:
    if token is None:
        return ANONYMOUS
    if token not in VIEWERS:
        raise Unauthenticated("The token is unknown or has ended.")
    return VIEWERS[token]


@pytest.fixture
async def rolled_back(engine: AsyncEngine) -> AsyncIterator[Database]:
    async with engine.connect() as connection:
        transaction = await connection.begin()
        yield RolledBack(connection)
        await transaction.rollback()


@pytest.fixture
async def site(rolled_back: Database) -> AsyncIterator[Site]:
    connected = rolled_back
    hub = Hub(connected, Redis())  # Nothing is followed here, so nothing connects.

    def make_context(connection: HTTPConnection, viewer: Viewer) -> Context:
        return Context(connected, hub, viewer)

    built = build_graphql_app(
        SCHEMA,
        authenticate=authenticate,
        make_context=make_context,
        settings=TransportSettings(),
        refresh=Context.refresh,
        body_limits={imports.PATH: imports.BODY_LIMIT},
    )
    app = Starlette(routes=[*built.routes, *imports.routes(connected, authenticate)], middleware=built.middleware)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
        yield Site(client, connected)
