"""A database of the test's own with a hub that looks often, since no relay wakes it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
import strawberry
from redis.asyncio import Redis

from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources import database, events
from api.resources.database import Database
from domain.communities import sight
from domain.identity import sessions
from domain.identity.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Live:
    """What a subscription runs on."""

    database: Database
    hub: events.Hub
    schema: strawberry.Schema

    async def signed_in(self, user_id: UUID) -> tuple[Viewer, str]:
        """A person with a session of their own, and the session's token."""
        async with self.database.transaction() as session:
            token = (await sessions.open_session(session, user_id)).access_token
        async with self.database.reading() as connection:
            viewer = await sight.viewer_of(connection, token, now=datetime.now(UTC))
        assert viewer is not None
        return viewer, token

    async def follow(self, document: str, viewer: Viewer, **variables: Any) -> AsyncIterator[Any]:
        """Results of a subscription: data, or the errors' codes."""
        context = Context(self.database, self.hub, viewer)
        results: Any = await self.schema.subscribe(document, variable_values=variables, context_value=context)
        async for result in results:
            yield [(error.extensions or {})["code"] for error in result.errors] if result.errors else result.data


@pytest.fixture(scope="session")
def schema() -> strawberry.Schema:
    """The schema as it is served, subscriptions included."""
    return make_schema()


@pytest.fixture
async def live(fresh_database: str, schema: strawberry.Schema, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    monkeypatch.setattr(events, "LOOK_S", 0.02)
    connected = database.connect(fresh_database, role="commonwatt_app", pool=10)
    yield Live(connected, events.Hub(connected, cast(Redis, None)), schema)
    await connected.close()
