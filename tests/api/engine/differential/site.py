"""A database with a crowd, the world of all roles, and odd values; and the ordinary way to run an operation there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import strawberry
from redis.asyncio import Redis

from api.engine.plans import Prepared
from api.graphql.context import Context
from api.resources.database import Database, connect
from api.resources.events import Hub
from domain.communities import sight
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api.authorization.people import ROLES
from tests.api.authorization.world import a_world
from tests.api.crowd import a_crowd
from tests.api.engine.answers import Answer, answer_of
from tests.api.engine.differential.documents import Operation
from tests.api.engine.differential.odd_rows import make_odd
from tests.api.engine.differential.supplies import Supplies, gathered
from tests.conftest import Server

MUCH = "administrator to whom much belongs"


@dataclass
class Site:
    """The schema over one database, the viewers of each role, and what operations may ask for."""

    schema: strawberry.Schema
    url: str
    database: Database
    viewers: dict[str, Viewer]
    changed: dict[str, int]
    supplies: Supplies

    async def ordinary(self, operation: Operation, viewer: Viewer, prepared: Prepared | None = None) -> Answer:
        """The answer of Strawberry's executor and the loaders; with a plan, that of its parts put into the rest."""
        context = Context(self.database, Hub(self.database, Redis()), viewer)
        context.prepared = prepared
        result = await self.schema.execute(
            operation.text,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )
        return answer_of(result.data, result.errors)


@asynccontextmanager
async def a_site(server: Server, schema: strawberry.Schema) -> AsyncIterator[Site]:
    """All of it, in a database of its own."""
    url = await server.create_database()
    owner = connect(url, role=None, pool=1)
    database = connect(url, role="commonwatt_app", pool=10)
    crowd = await a_crowd(owner)
    world = await a_world(database)
    viewers = {MUCH: crowd.owner}
    async with database.reading() as connection:
        for role in ROLES:
            token = world.tokens[role]
            viewer = ANONYMOUS if token is None else await sight.viewer_of(connection, token, now=datetime.now(UTC))
            assert viewer is not None
            viewers[role] = viewer
    changed = await make_odd(owner)
    await owner.close()
    site = Site(schema, url, database, viewers, changed, Supplies())

    async def ask(document: str, variables: dict[str, Any]) -> Any:
        return (await site.ordinary(Operation("", document, variables), crowd.owner)).data

    site.supplies = await gathered(database, schema._schema, ask)
    try:
        yield site
    finally:
        await database.close()
        await server.drop_database(url)
