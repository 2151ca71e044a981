"""Append to and read the event feed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import tables
from domain.kernel import sql
from domain.kernel.sql import Part, Statement, Transaction

WAKE_CHANNEL = "commonwatt_wake"


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
    rows = [
        (stream, len(news[stream]) - place, json.dumps(payload))
        for stream in streams
        for place, payload in enumerate(news[stream], 1)
    ]
    values = {
        "event_streams": streams,
        "event_counts": [len(news[stream]) for stream in streams],
        "event_in_streams": [stream for stream, _, _ in rows],
        "event_followers": [followers for _, followers, _ in rows],
        "event_payloads": [payload for _, _, payload in rows],
    }
    return Part(APPENDED, values, APPENDED_TOLD)


APPENDED_TOLD = f"(SELECT max(sequence) FROM event_counted) AS last_event, pg_notify('{WAKE_CHANNEL}', '') AS woken"  # noqa: S608
APPENDED = """
event_counted AS (
    INSERT INTO event_stream AS known (stream, sequence)
    SELECT stream, count FROM unnest(CAST(:event_streams AS text[]), CAST(:event_counts AS bigint[]))
         AS new (stream, count)
    ON CONFLICT (stream) DO UPDATE SET sequence = known.sequence + excluded.sequence
    RETURNING stream, sequence),
event_appended AS (
    INSERT INTO event (stream, sequence, payload)
    SELECT stream, event_counted.sequence - new.followers, CAST(new.payload AS jsonb)
    FROM unnest(CAST(:event_in_streams AS text[]), CAST(:event_followers AS bigint[]),
                CAST(:event_payloads AS text[])) AS new (stream, followers, payload)
    JOIN event_counted USING (stream))"""


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
RETURNING news.stream, news.sequence""")
