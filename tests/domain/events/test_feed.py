"""Streams are numbered without gaps in the order of commits."""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from domain.events import feed, verification
from domain.kernel import sql


async def test_a_reader_resumes_where_it_was(session: AsyncSession) -> None:
    await feed.append(session, "s", [{"n": 1}, {"n": 2}])
    await feed.append(session, "s", [{"n": 3}])
    await feed.append(session, "other", [{"n": 9}])

    assert [(e.sequence, e.payload) for e in await feed.after(session, "s", 1, 10)] == [(2, {"n": 2}), (3, {"n": 3})]
    assert await feed.last_sequence(session, "s") == 3
    assert await feed.last_sequence(session, "unknown") == 0


async def test_concurrent_writers_leave_no_gap_and_no_late_number(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, pool_size=10)
    sessions = async_sessionmaker(engine)
    seen: list[int] = []

    async def write(number: int) -> None:
        async with sessions.begin() as session:
            await feed.append(session, "s", [{"n": number}])
            if number % 3 == 0:
                await session.rollback()

    async def read() -> None:
        while len(seen) < 20:
            async with sessions() as session:
                seen.extend(e.sequence for e in await feed.after(session, "s", len(seen), 100))
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(read(), *(write(number) for number in range(30)))
    async with sessions() as session:
        breaches = [row async for row in verification.breaches(session)]
    await engine.dispose()

    assert seen == list(range(1, 21))
    assert breaches == []


async def test_news_are_announced_once(session: AsyncSession) -> None:
    await feed.append(session, "s", [{"n": 1}])

    assert ("s", 1) in await feed.take_unannounced(session, 10)
    assert await feed.take_unannounced(session, 10) == []


async def test_events_of_several_streams_are_numbered_each_in_their_order(session: AsyncSession) -> None:
    await feed.append(session, "b", [{"n": 0}])

    await sql.write(session, feed.appending({"b": [{"n": 1}, {"n": 2}], "a": [{"n": 3}]}))
    nothing = await feed.append(session, "b", [])

    assert [(e.sequence, e.payload["n"]) for e in await feed.after(session, "b", 0, 9)] == [(1, 0), (2, 1), (3, 2)]
    assert [(e.sequence, e.payload["n"]) for e in await feed.after(session, "a", 0, 9)] == [(1, 3)]
    assert nothing == 3
    assert [row async for row in verification.breaches(session)] == []


async def test_the_relay_is_woken_at_commit(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database)
    woken = asyncio.Event()
    async with engine.connect() as listening, AsyncSession(engine) as session:
        driver: Any = (await listening.get_raw_connection()).driver_connection
        await driver.add_listener(feed.WAKE_CHANNEL, lambda *_: woken.set())

        await feed.append(session, "s", [{"n": 1}])
        await driver.fetch("SELECT 1")
        before_commit = woken.is_set()
        await session.commit()
        async with asyncio.timeout(5):
            await woken.wait()
        await driver.reset()
    await engine.dispose()

    assert not before_commit
