"""Follow an event stream: read the durable feed, woken by Redis.

One Redis subscription per process wakes all followers. If Redis is lost, followers still look every few seconds, so
that events come late but come.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from api.database import Database
from domain.events import feed
from domain.events.tables import Event

logger = logging.getLogger("commonwatt.events")
PREFIX = "commonwatt:news:"
LOOK_S = 2.0
BATCH = 200


def channel_of(stream: str) -> str:
    """The Redis channel that announces news of a stream."""
    return PREFIX + stream


class Hub:
    """Wakes the followers of this process."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis = redis
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    async def listen(self) -> None:
        """Hear announcements for ever; a lost Redis is tried again each second."""
        while True:
            try:
                async with self.redis.pubsub() as subscription:
                    await subscription.psubscribe(PREFIX + "*")
                    self._wake_all()
                    async for message in subscription.listen():
                        if message["type"] == "pmessage":
                            self._wake(message["channel"].decode().removeprefix(PREFIX))
            except (RedisError, OSError):
                logger.warning("announcements interrupted; listening again in a second")
                await asyncio.sleep(1)

    async def follow(self, stream: str, after: int | None) -> AsyncIterator[Event]:
        """Events of a stream after a number, or from now on, each once and in order."""
        woken = asyncio.Event()
        self._waiting[stream].add(woken)
        try:
            if after is None:
                async with AsyncSession(self.database.reader) as session:
                    after = await feed.last_sequence(session, stream)
            while True:
                woken.clear()
                async with AsyncSession(self.database.reader) as session:
                    events = await feed.after(session, stream, after, BATCH)
                for event in events:
                    yield event
                    after = event.sequence
                if len(events) < BATCH:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), LOOK_S)
        finally:
            self._waiting[stream].discard(woken)
            if not self._waiting[stream]:
                del self._waiting[stream]

    def _wake(self, stream: str) -> None:
        for waiting in self._waiting.get(stream, ()):
            waiting.set()

    def _wake_all(self) -> None:
        for stream in list(self._waiting):
            self._wake(stream)
