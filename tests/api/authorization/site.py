"""The schema over the world of all roles, as any of them sees it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import strawberry
from redis.asyncio import Redis

from api.graphql.context import Context
from api.resources.database import Database
from api.resources.events import Hub
from domain.communities import sight
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api import both_ways
from tests.api.authorization.expectations import may_see
from tests.api.authorization.world import World

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
            viewer = await sight.viewer_of(connection, token, now=datetime.now(UTC))
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

    def names(self, nodes: list[Any]) -> list[str]:
        """The names of nodes of one kind; of null there is none."""
        return [self.name_of(node["id"]).partition(" ")[2] for node in nodes if node]
