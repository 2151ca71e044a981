"""Check the event feed: every stream is numbered from 1 without gaps up to its recorded end."""

from collections.abc import AsyncIterator

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Event, EventStream

GUARDS = "I3 history, events"


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Streams that miss an event or end elsewhere than recorded (invariant I3)."""
    counted = (
        select(Event.stream, func.count().label("count"), func.max(Event.sequence).label("last"))
        .group_by(Event.stream)
        .subquery()
    )
    query = select(
        func.coalesce(counted.c.stream, EventStream.stream),
        func.coalesce(counted.c.count, 0),
        func.coalesce(counted.c.last, 0),
        EventStream.sequence,
    ).join_from(counted, EventStream, counted.c.stream == EventStream.stream, full=True)
    async for stream, count, last, recorded in await session.stream(query):
        if not count == last == recorded:
            yield f"stream {stream}: {count} events, the last is {last}, recorded end {recorded}"
