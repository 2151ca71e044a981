"""Append to and read the event feed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import tables
from domain.kernel import sql
from domain.kernel.sql import Part, Statement, Transaction
from domain.kernel.writing import Rows

WAKE_CHANNEL = "commonwatt_wake"


class StreamRow(NamedTuple):
    """How many events a stream gets."""

    stream: str
    sequence: int


class EventRow(NamedTuple):
    """An event, its payload as JSON, and how many of its stream come after it in the same statement."""

    stream: str
    payload: str
    followers: int


class News(NamedTuple):
    """The number of the newest event of a stream."""

    stream: str
    sequence: int


async def append(session: AsyncSession, stream: str, payloads: Sequence[dict[str, Any]]) -> int:
    """Append events to a stream in the caller's transaction and wake the relay at commit; gives the last number."""
    if not payloads:
        return await last_sequence(session, stream)
    told = await sql.write(session, appending({stream: payloads}))
    return int(told.last_event)


def appending(news: Mapping[str, Sequence[dict[str, Any]]]) -> Part:
    """Appends some events to each stream, and wakes the relay. Writers of one stream wait for each other.

    Tells the last number, `last_event`, which means something for one stream only.
    """
    streams = sorted(news)
    events = [
        EventRow(stream, json.dumps(payload), len(news[stream]) - place)
        for stream in streams
        for place, payload in enumerate(news[stream], 1)
    ]
    counts = [StreamRow(stream, len(news[stream])) for stream in streams]
    return Part(APPENDED, COUNTS.values(counts) | EVENTS.values(events), APPENDED_TOLD)


APPENDED_TOLD = f"(SELECT max(sequence) FROM event_counted) AS last_event, pg_notify('{WAKE_CHANNEL}', '') AS woken"  # noqa: S608
COUNTS = Rows("event_counts", StreamRow, tables.EventStream)
EVENTS = Rows("event_new", EventRow, tables.Event, beside={"followers": "bigint"})
APPENDED = f"""
event_counted AS (
    INSERT INTO event_stream AS known ({COUNTS.columns})
    SELECT {COUNTS.selected} FROM {COUNTS.relation}
    ON CONFLICT (stream) DO UPDATE SET sequence = known.sequence + excluded.sequence
    RETURNING stream, sequence),
event_appended AS (
    INSERT INTO event ({EVENTS.columns}, sequence)
    SELECT {EVENTS.selected}, event_counted.sequence - event_new.followers
    FROM {EVENTS.relation} JOIN event_counted USING (stream))"""  # noqa: S608 - made of constants.


async def after(session: AsyncSession, stream: str, sequence: int, limit: int) -> list[tables.Event]:
    """The events that follow a number, oldest first."""
    query = (
        select(tables.Event)
        .where(tables.Event.stream == stream, tables.Event.sequence > sequence)
        .order_by(tables.Event.sequence)
        .limit(limit)
    )
    return list(await session.scalars(query))


async def last_sequence(session: AsyncSession, stream: str) -> int:
    """The number of the newest event of a stream, 0 where there is none."""
    query = select(func.coalesce(func.max(tables.EventStream.sequence), 0)).where(tables.EventStream.stream == stream)
    return int((await session.execute(query)).scalar_one())


async def take_unannounced(transaction: Transaction, limit: int) -> list[tuple[str, int]]:
    """Streams with news for subscribers, marked as announced; the relay's commit confirms it."""
    return [(row.stream, row.sequence) for row in await UNANNOUNCED.rows(transaction, {"limit": limit})]


UNANNOUNCED = Statement("""
WITH news AS (
    SELECT stream, sequence FROM event_stream WHERE announced < sequence
    LIMIT CAST(:limit AS bigint) FOR UPDATE SKIP LOCKED)
UPDATE event_stream SET announced = news.sequence FROM news WHERE event_stream.stream = news.stream
RETURNING news.stream, news.sequence""").into(News)
