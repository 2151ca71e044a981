"""The relay process: `python -m api.relay`. It moves what is written in Postgres to where it is waited for.

Due jobs go to the queue, news of event streams to Redis, and periodic work (market batches) becomes jobs. What is
lost on the way is sent again from Postgres. Several relays may run: each takes rows that no other holds.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from api.house import load_jobs
from api.jobs import transport
from api.jobs.registry import PERIODIC
from api.processes import ending, starting
from api.resources import clock, clocks, database, failures, writable
from api.resources.database import Database
from api.resources.events import channel_of
from api.resources.settings import Settings
from api.transport.terms.errors import reason_of
from domain.events import feed
from domain.jobs import queue

logger = logging.getLogger("commonwatt.relay")
AT_MOST = 500
POLL_S = 0.5
POOL_MAX = 3  # News, jobs, and what is periodic; more it never uses.
WAIT_S = 60.0  # For a connection: nobody waits for an answer.


async def relay_once(connected: Database, carrier: ArqRedis) -> bool:
    """One round of everything. Whether there was more than one round's worth."""
    has_more_news = await announce(connected, carrier)
    await act_periodically(connected)
    return await hand_out(connected, carrier) or has_more_news


async def announce(connected: Database, carrier: ArqRedis) -> bool:
    """Tell of news of event streams."""
    async with connected.bare_transaction() as transaction:
        news = await feed.take_unannounced(transaction, AT_MOST)
        for stream, sequence in news:
            await carrier.publish(channel_of(stream), str(sequence))
    return len(news) == AT_MOST


async def hand_out(connected: Database, carrier: ArqRedis) -> bool:
    """Send due jobs to the queue."""
    async with connected.transaction() as session:
        due = await queue.take_due(session, AT_MOST)
        for job in due:
            await transport.send(carrier, job)
    return len(due) == AT_MOST


async def act_periodically(connected: Database) -> None:
    """Look whether periodic work is due."""
    for act in PERIODIC:
        async with connected.transaction() as session:
            await act(session)


@contextlib.asynccontextmanager
async def woken(connected: Database, *events: asyncio.Event) -> AsyncIterator[None]:
    """Sets the events when a transaction with news or jobs commits; never behind a pool, which passes no word on."""

    def wake(*_: object) -> None:
        for event in events:
            event.set()

    if connected.is_pooled:
        yield
        return
    connection = await connected.bare.open()
    try:
        await connection.add_listener(feed.WAKE_CHANNEL, wake)
        yield
    finally:
        connection.terminate()


async def relay(configured: Settings, connected: Database) -> None:
    """Relay for ever; raises a group when the database or Redis is lost. News waits for nothing else.

    While nothing can be written there is nothing to relay.
    """
    await writable.wait(connected)
    await clock.measure(connected.fetch)  # What is periodic looks at it before it asks the database for anything.
    carrier = await transport.connect(str(configured.redis_url))
    news, jobs = asyncio.Event(), asyncio.Event()
    try:
        async with woken(connected, news, jobs), asyncio.TaskGroup() as group:
            group.create_task(clock.keep(connected.fetch))
            group.create_task(clocks.tell(carrier, "relay"))
            group.create_task(_repeat(partial(announce, connected, carrier), news))
            group.create_task(_repeat(partial(hand_out, connected, carrier), jobs))
            group.create_task(_repeat(partial(act_periodically, connected), asyncio.Event()))
    finally:
        with contextlib.suppress(RedisError, OSError):
            await carrier.aclose(close_connection_pool=True)


async def _repeat(act: Callable[[], Awaitable[bool | None]], event: asyncio.Event) -> None:
    """Act at once when woken or when there was more than one round's worth, else every now and then."""
    while True:
        event.clear()
        if not await act():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), POLL_S)


async def main() -> None:
    """Relay until SIGTERM, and come back after every loss of the database or Redis."""
    configured = starting.begin("relay")
    load_jobs()
    connected = database.connect(
        str(configured.database_url),
        role=configured.database_role,
        pool=min(POOL_MAX, configured.database_pool),
        wait_s=WAIT_S,
        pooled=configured.database_pooled,
        read_only=configured.read_only,
    )
    await connected.prove()
    running = asyncio.create_task(_for_ever(configured, connected))
    with ending.on_signal(running.cancel, configured.stop_s), contextlib.suppress(asyncio.CancelledError):
        await running
    await connected.close()


async def _for_ever(configured: Settings, connected: Database) -> None:
    while True:
        try:
            await relay(configured, connected)
        except* failures.RAISED as group:
            lost = "; ".join(sorted({reason_of(error) for error in group.exceptions}))
            logger.warning("relay interrupted: %s; going on in a second", lost)
            await asyncio.sleep(1)
