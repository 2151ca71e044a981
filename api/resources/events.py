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
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.resources import failures
from api.resources.database import Database
from api.transport.terms.errors import BadUserInput, SubscribeAgain, reason_of
from api.transport.terms.instants import EPOCH
from domain.events.tables import Event

logger = logging.getLogger("commonwatt.events")
PREFIX = "commonwatt:news:"
LOOK_S = 2.0
AGAIN_S = 1.0  # While the database is away; who follows stays, as coming back would take more of it.
BATCH = 200
RECENT_EVENTS = 1_000  # Held in memory for each stream; who is further behind reads the feed.

# Ready statements, as every event waits for them. The tail is read as one row, an array for each column.
POSITION = """
SELECT sequence, (SELECT created_at FROM event WHERE event.stream = $1 AND event.sequence = event_stream.sequence)
FROM event_stream WHERE stream = $1"""
MADE = "SELECT created_at FROM event WHERE stream = $1 AND sequence = $2"
STANDS = f"SELECT ({MADE}), pg_is_in_recovery()"
AFTER = f"""
SELECT ({MADE}), coalesce(array_agg(sequence), '{{}}'), coalesce(array_agg(payload), '{{}}'),
       coalesce(array_agg(created_at), '{{}}')
FROM (SELECT sequence, payload::text, created_at FROM event WHERE stream = $1 AND sequence > $2
      ORDER BY sequence LIMIT $3) AS tail"""  # noqa: S608 - made of constants.
MICROSECOND = timedelta(microseconds=1)
PUT_BACK = "The database was put back to an earlier time: subscribe again, from your cursor."
UNDONE = "The cursor is of a time that was undone: read the state again, and subscribe without a cursor."


class Seen(int):
    """The number of an event that a subscriber saw, and when that was made, microseconds, where it is known."""

    at_us: int | None

    def __new__(cls, number: int, at_us: int | None = None) -> Self:
        seen = super().__new__(cls, number)
        seen.at_us = at_us
        return seen


def seen_in(event: Event) -> Seen:
    """What a subscriber saw who was sent an event."""
    return Seen(event.sequence, (event.created_at - EPOCH) // MICROSECOND)


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
        return (await self.newest(stream))[0]

    async def newest(self, stream: str) -> tuple[int, datetime | None]:
        """The number of the newest event of a stream, and when it was made."""
        row = await self.database.fetch(POSITION, [stream])
        return (0, None) if row is None else (int(row[0]), row[1])

    async def check(self, stream: str, seen: Seen) -> None:
        """Whether a subscriber saw an event that there still is: a database that was put back has others in its place.

        Raises BadUserInput.
        """
        if not seen or seen.at_us is None:
            return
        reader = self.readers.get(stream)
        held = reader.after(seen - 1) if reader is not None else None
        if held and seen_in(held[0]).at_us == seen.at_us:
            return
        row = await self.database.fetch(STANDS, [stream, int(seen)])
        assert row is not None
        made_at, is_behind = row
        if made_at is None and is_behind:  # A standby has still to get it.
            return
        if made_at is None or (made_at - EPOCH) // MICROSECOND != seen.at_us:
            raise BadUserInput(UNDONE, argument="after")

    async def read(self, stream: str, number: int) -> list[Event]:
        """Events after a number, from the feed."""
        return (await self.read_behind(stream, number))[1]

    async def read_behind(self, stream: str, number: int) -> tuple[datetime | None, list[Event]]:
        """When the event of a number was made, and those after it."""
        row = await self.database.fetch(AFTER, [stream, number, BATCH])
        assert row is not None
        made_at, *columns = row
        return made_at, [
            Event(stream=stream, sequence=sequence, payload=json.loads(payload), created_at=created_at)
            for sequence, payload, created_at in zip(*columns, strict=True)
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
            position, at = await self.hub.newest(self.stream)
            self._take([], position)
            while True:
                self.woken.clear()
                try:
                    made_at, events = await self.hub.read_behind(self.stream, self.position)
                except Exception as error:
                    if not failures.is_outage(error):
                        raise
                    logger.warning("streams wait: %s", reason_of(error))
                    await asyncio.sleep(AGAIN_S)
                    continue
                if made_at != at:
                    raise SubscribeAgain(PUT_BACK)
                if events:
                    self._take(events, events[-1].sequence)
                    at = events[-1].created_at
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
