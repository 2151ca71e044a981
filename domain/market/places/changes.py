"""Changes of a market's book, numbered: the stream `market:<id>:book`.

An event names the deliveries that changed. The newest one also tells whether a market has anything new to clear.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.kernel import sql
from domain.kernel.intervals import Period
from domain.kernel.sql import Part


def stream_of(market_id: UUID) -> str:
    """The event stream of a market's book."""
    return f"market:{market_id}:book"


async def announce(session: AsyncSession, market_id: UUID, changed: Period) -> None:
    """Say that the book changed for deliveries that begin in a period."""
    await sql.write(session, announcing([(market_id, changed)]))


def announcing(changed: Iterable[tuple[UUID, Period]]) -> Part:
    """Says of each market and period, in their order, that the market's book changed."""
    news: dict[str, list[dict[str, Any]]] = {}
    for market_id, period in changed:
        payload = {"from": period.start.isoformat(), "to": period.end.isoformat()}
        news.setdefault(stream_of(market_id), []).append(payload)
    return feed.appending(news)


def is_about(payload: dict[str, Any], delivery_start: datetime) -> bool:
    """Whether an event concerns a delivery interval."""
    return datetime.fromisoformat(payload["from"]) <= delivery_start < datetime.fromisoformat(payload["to"])
