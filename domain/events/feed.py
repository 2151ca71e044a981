"""Append to and read the event feed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import tables

WAKE_CHANNEL = "commonwatt_wake"


async def append(session: AsyncSession, stream: str, payloads: Sequence[dict[str, Any]]) -> int:
    """Append events to a stream in the caller's transaction and wake the relay at commit; gives the last number."""
    head = insert(tables.EventStream).values(stream=stream, sequence=len(payloads))
    counted = head.on_conflict_do_update(
        index_elements=[tables.EventStream.stream],
        set_={"sequence": tables.EventStream.sequence + len(payloads)},
    ).returning(tables.EventStream.sequence)
    last: int = (await session.execute(counted)).scalar_one()
    first = last - len(payloads) + 1
    rows = [{"stream": stream, "sequence": first + i, "payload": payload} for i, payload in enumerate(payloads)]
    if rows:
        await session.execute(insert(tables.Event), rows)
        await session.execute(text(f"NOTIFY {WAKE_CHANNEL}"))
    return last


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


async def take_unannounced(session: AsyncSession, limit: int) -> list[tuple[str, int]]:
    """Streams with news for subscribers, marked as announced; the relay's commit confirms it."""
    query = (
        select(tables.EventStream.stream, tables.EventStream.sequence)
        .where(tables.EventStream.announced < tables.EventStream.sequence)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    news = [(stream, sequence) for stream, sequence in await session.execute(query)]
    for stream, sequence in news:
        await session.execute(
            update(tables.EventStream).where(tables.EventStream.stream == stream).values(announced=sequence)
        )
    return news
