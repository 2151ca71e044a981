"""A stream that was put back, as by a restore of the database to a moment, is told from the one that was followed."""

import asyncio
from typing import cast

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from api.graphql.cursors import cursor_of, number_in
from api.resources import database
from api.resources.database import Database
from api.resources.events import Hub
from api.transport.terms.errors import BadUserInput, SubscribeAgain
from domain.events import feed

STREAM = "a stream"


@pytest.fixture
async def connected(fresh_database: str) -> Database:
    return database.connect(fresh_database, role=None, pool=2)


async def append(connected: Database, count: int) -> None:
    for _ in range(count):
        async with connected.transaction() as session:
            await feed.append(session, STREAM, [{}])


async def put_back(connected: Database, number: int) -> None:
    """As if what came after an event had never been."""
    async with connected.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text("DELETE FROM event WHERE sequence > :number"), {"number": number})
        await session.execute(text("UPDATE event_stream SET sequence = :number"), {"number": number})


async def test_a_cursor_of_what_was_undone_is_refused_and_one_of_what_stands_is_not(connected: Database) -> None:
    hub = Hub(connected, cast(Redis, None))
    await append(connected, 3)
    second, third = [cursor_of(event) for event in await hub.read(STREAM, 1)]

    await put_back(connected, 2)
    with pytest.raises(BadUserInput, match="undone"):
        await hub.check(STREAM, number_in(third, STREAM))
    await append(connected, 2)
    with pytest.raises(BadUserInput, match="undone"):
        await hub.check(STREAM, number_in(third, STREAM))

    await hub.check(STREAM, number_in(second, STREAM))
    await hub.check(STREAM, number_in("", STREAM))
    await connected.close()


async def test_who_follows_what_was_undone_is_told_to_subscribe_again(connected: Database) -> None:
    hub = Hub(connected, cast(Redis, None))
    await append(connected, 3)
    following = hub.follow(STREAM, 0)
    assert len(await anext(following)) == 3

    await put_back(connected, 2)
    await append(connected, 2)
    hub.wake(STREAM)

    with pytest.raises(SubscribeAgain):
        await asyncio.wait_for(anext(following), 5)
    await connected.close()
