"""The relay process: `python -m api.relay`. It moves what is written in Postgres to where it is waited for.

Due jobs go to the queue, news of event streams to Redis, and periodic work (market batches) becomes jobs. What is
lost on the way is sent again from Postgres. Several relays may run: each takes rows that no other holds.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator

import asyncpg
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from api import database
from api.database import Database
from api.events import channel_of
from api.jobs import transport
from api.jobs.registry import PERIODIC, load_jobs
from api.settings import Settings, settings
from api.transport.logs import configure_logs
from domain.events import feed
from domain.jobs import queue

logger = logging.getLogger("commonwatt.relay")
AT_MOST = 500
POLL_S = 0.5


async def relay_once(connected: Database, carrier: ArqRedis) -> bool:
    """One round. Whether there was more than one round's worth."""
    for act in PERIODIC:
        async with connected.transaction() as session:
            await act(session)
    async with connected.transaction() as session:
        due = await queue.take_due(session, AT_MOST)
        for job in due:
            await transport.send(carrier, job)
    async with connected.transaction() as session:
        news = await feed.take_unannounced(session, AT_MOST)
        for stream, sequence in news:
            await carrier.publish(channel_of(stream), str(sequence))
    return len(due) == AT_MOST or len(news) == AT_MOST


@contextlib.asynccontextmanager
async def woken(url: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever a transaction with news commits."""
    event = asyncio.Event()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=5)
    try:
        await connection.add_listener(feed.WAKE_CHANNEL, lambda *_: event.set())
        yield event
    finally:
        connection.terminate()


async def relay(configured: Settings, connected: Database) -> None:
    """Relay for ever; raises when the database or Redis is lost."""
    carrier = await transport.connect(str(configured.redis_url))
    try:
        async with woken(str(configured.database_url)) as event:
            while True:
                event.clear()
                if not await relay_once(connected, carrier):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(event.wait(), POLL_S)
    finally:
        with contextlib.suppress(RedisError, OSError):
            await carrier.aclose(close_connection_pool=True)


async def main() -> None:
    """Relay until SIGTERM, and come back after every loss of the database or Redis."""
    configured = settings()
    configure_logs(configured.log_level)
    load_jobs()
    connected = database.connect(str(configured.database_url), role=configured.database_role, pool=3)
    running = asyncio.create_task(_for_ever(configured, connected))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await connected.close()


async def _for_ever(configured: Settings, connected: Database) -> None:
    while True:
        try:
            await relay(configured, connected)
        except (RedisError, DBAPIError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("relay interrupted: %s; going on in a second", type(error).__name__)
            await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main())
