"""Changes of a market's book, numbered: the stream `market:<id>:book`.

An event names the deliveries that changed. The newest one also tells whether a market has anything new to clear.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.intervals import Period


def stream_of(market_id: UUID) -> str:
    """The event stream of a market's book."""
    return f"market:{market_id}:book"


async def announce(session: AsyncSession, market_id: UUID, changed: Period) -> None:
    """Say that the book changed for deliveries that begin in a period."""
    payload = {"from": changed.start.isoformat(), "to": changed.end.isoformat()}
    await feed.append(session, stream_of(market_id), [payload])


def is_about(payload: dict[str, Any], delivery_start: datetime) -> bool:
    """Whether an event concerns a delivery interval."""
    return datetime.fromisoformat(payload["from"]) <= delivery_start < datetime.fromisoformat(payload["to"])
