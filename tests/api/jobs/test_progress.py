"""`jobProgress` misses nothing, however long its reader takes between two events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import strawberry
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.schema.config import StrawberryConfig

from api.graphql.context import Context
from api.graphql.nodes import NodeQueries
from api.graphql.scalars import SCALARS
from api.jobs.job import Job, JobSubscriptions
from api.resources.database import Database, connect
from api.resources.events import Hub
from domain.communities import sight
from domain.identity.tables import PlatformRole
from domain.identity.viewers import Viewer
from domain.jobs import queue
from domain.kernel.database import new_id
from domain.sharing.words import ALLOCATE_PERIOD

FOLLOW = "subscription($id: ID!) { jobProgress(id: $id) { status } }"
SCHEMA = strawberry.Schema(
    query=NodeQueries, subscription=JobSubscriptions, types=[Job], config=StrawberryConfig(scalar_map=SCALARS)
)


@pytest.fixture
async def database(fresh_database: str) -> AsyncIterator[Database]:
    connected = connect(fresh_database, role="commonwatt_app", pool=5)
    yield connected
    await connected.close()


async def still_there(_: AsyncConnection, viewer: Viewer) -> Viewer:
    """Stands in for the look at sessions: this viewer has none that could end."""
    return viewer


async def follow(database: Database, job_id: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Statuses as an administrator sees them."""
    viewer = Viewer(user_id=new_id(), roles=frozenset({PlatformRole.ADMIN}))
    context = Context(database, Hub(database, cast("Redis", None)), viewer)
    monkeypatch.setattr(sight, "again", still_there)
    events: Any = await SCHEMA.subscribe(FOLLOW, variable_values={"id": job_id}, context_value=context)
    async for event in events:
        assert event.errors is None
        yield event.data["jobProgress"]["status"]


async def test_a_job_that_ends_before_its_reader_looks_again_is_told_to_have_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as session:
        job_id = await queue.enqueue(session, ALLOCATE_PERIOD, "test", {})
    statuses = follow(database, f"Job:{job_id}", monkeypatch)
    first = await anext(statuses)
    async with database.transaction() as session:
        await queue.cancel(session, job_id, actor="test")

    async with asyncio.timeout(10):
        others = [status async for status in statuses]

    assert (first, others) == ("QUEUED", ["CANCELLED"])
