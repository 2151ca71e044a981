"""Follow an event stream: read the durable feed, woken by Redis.

One Redis subscription per process wakes the readers, and one reader per stream reads what is new for all who follow
it here. Whoever is behind reads by itself until it has reached the others. If Redis is lost, readers still look every
few seconds, so that events come late but come.
"""

import asyncio
import contextlib
import json
import logging
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from itertools import islice

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.resources import failures
from api.resources.database import Database
from api.transport.terms.errors import reason_of
from domain.events.tables import Event

logger = logging.getLogger("commonwatt.events")
PREFIX = "commonwatt:news:"
LOOK_S = 2.0
AGAIN_S = 1.0  # While the database is away; who follows stays, as coming back would take more of it.
BATCH = 200
RECENT_EVENTS = 1_000  # Held in memory for each stream; who is further behind reads the feed.

# Ready statements, as every event waits for them. The tail is read as one row, an array for each column.
POSITION = "SELECT sequence FROM event_stream WHERE stream = $1"
AFTER = """
SELECT coalesce(array_agg(sequence), '{}'), coalesce(array_agg(payload), '{}'), coalesce(array_agg(created_at), '{}')
FROM (SELECT sequence, payload::text, created_at FROM event WHERE stream = $1 AND sequence > $2
      ORDER BY sequence LIMIT $3) AS tail"""


def channel_of(stream: str) -> str:
    """The Redis channel that announces news of a stream."""
    return PREFIX + stream


class Hub:
    """Reads the streams that are followed in this process, each once."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis = redis
        self.readers: dict[str, Reader] = {}

    async def listen(self) -> None:
        """Hear announcements for ever; a lost Redis is tried again each second."""
        while True:
            try:
                async with self.redis.pubsub() as subscription:
                    await subscription.psubscribe(PREFIX + "*")
                    self.wake(*self.readers)
                    async for message in subscription.listen():
                        if message["type"] == "pmessage":
                            self.wake(message["channel"].decode().removeprefix(PREFIX))
            except (RedisError, OSError) as error:
                logger.warning("announcements interrupted; listening again in a second: %s", reason_of(error))
                await asyncio.sleep(1)

    async def follow(
        self, stream: str, after: int | None, until: Callable[[], float] = lambda: math.inf
    ) -> AsyncGenerator[list[Event], None]:
        """Events of a stream after a number, or from now on, each once and in order; no more once `until` is reached.

        They come in lists of those that are there already. A number ahead of the stream is waited for: another
        process may have told of it first.
        """
        async with self._reader(stream) as reader:
            number = reader.position if after is None else after
            while number < until():
                news, position = reader.news, reader.position
                events = reader.after(number)
                if events is None:
                    events = await self.read(stream, number)
                    number = number if events else position
                elif not events:
                    await reader.wait(news)
                if events:
                    number = events[-1].sequence
                    yield events

    async def position(self, stream: str) -> int:
        """The number of the newest event of a stream."""
        row = await self.database.fetch(POSITION, [stream])
        return 0 if row is None else int(row[0])

    async def read(self, stream: str, number: int) -> list[Event]:
        """Events after a number, from the feed."""
        row = await self.database.fetch(AFTER, [stream, number, BATCH])
        assert row is not None
        return [
            Event(stream=stream, sequence=sequence, payload=json.loads(payload), created_at=created_at)
            for sequence, payload, created_at in zip(*row, strict=True)
        ]

    @contextlib.asynccontextmanager
    async def _reader(self, stream: str) -> AsyncIterator["Reader"]:
        reader = self.readers.get(stream)
        if reader is None:
            reader = self.readers[stream] = Reader(self, stream)
        reader.followers += 1
        try:
            while reader.position < 0:
                await reader.wait(reader.news)
            yield reader
        finally:
            reader.followers -= 1
            if not reader.followers:
                reader.task.cancel()
                self.forget(reader)

    def forget(self, reader: "Reader") -> None:
        """Whoever follows the stream next begins anew."""
        if self.readers.get(reader.stream) is reader:
            del self.readers[reader.stream]

    def wake(self, *streams: str) -> None:
        """Say that there may be news of streams."""
        for stream in streams:
            if stream in self.readers:
                self.readers[stream].woken.set()


class Reader:
    """Reads the news of one stream for all its followers in this process, as long as there are any."""

    def __init__(self, hub: Hub, stream: str) -> None:
        self.hub = hub
        self.stream = stream
        self.followers = 0
        self.position = -1  # Not known yet.
        self.recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self.woken = asyncio.Event()  # Somebody said that there is news.
        self.news = asyncio.Event()  # There is; every time a new one, which followers take before they look.
        self.failure: Exception | None = None
        self.task = asyncio.create_task(self._run())

    def after(self, number: int) -> list[Event] | None:
        """The events after a number; None when they are older than what is held here."""
        missing = self.position - number
        if missing > len(self.recent):
            return None
        return list(islice(self.recent, len(self.recent) - missing, None)) if missing > 0 else []

    async def wait(self, news: asyncio.Event) -> None:
        """Wait for news. Raises what ended the reading."""
        if self.failure is None:
            await news.wait()
        if self.failure is not None:
            raise self.failure

    async def _run(self) -> None:
        try:
            self._take([], await self.hub.position(self.stream))
            while True:
                self.woken.clear()
                try:
                    events = await self.hub.read(self.stream, self.position)
                except Exception as error:
                    if not failures.is_outage(error):
                        raise
                    logger.warning("streams wait: %s", reason_of(error))
                    await asyncio.sleep(AGAIN_S)
                    continue
                if events:
                    self._take(events, events[-1].sequence)
                if len(events) < BATCH:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.woken.wait(), LOOK_S)
        except Exception as error:  # Every follower is told, and may begin anew.
            self.failure = error
            self.hub.forget(self)
            self.news.set()

    def _take(self, events: list[Event], position: int) -> None:
        self.recent.extend(events)
        self.position = position
        news, self.news = self.news, asyncio.Event()
        news.set()
