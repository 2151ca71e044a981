"""Prices: ticks as they come, on the stream `market:<id>:prices`, and packed series of what was cleared.

A CLEARED tick is a price at which energy was traded. An INDICATIVE one is the middle of the prices at which nothing
would be traded, between the best buy and the best sell, other zones included: it is told only when it changes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.events import feed
from domain.events.tables import Event
from domain.kernel.database import by_turns
from domain.kernel.intervals import Period

REMEMBERED = 2_000  # Ticks looked back at to tell whether an indication is new: ten times a horizon of quarter-hours.


class TickKind(StrEnum):
    """Whether a price was paid."""

    CLEARED = "CLEARED"
    INDICATIVE = "INDICATIVE"


@dataclass(frozen=True, slots=True)
class Tick:
    """A price for one delivery interval; the volume is the larger of what was bought and sold, 0 if indicative."""

    delivery_start: datetime
    price_ueur_per_kwh: int
    kind: TickKind
    volume_ukwh: int = 0

    @property
    def payload(self) -> dict[str, Any]:
        """The tick as an event carries it."""
        return {
            "delivery_start": self.delivery_start.isoformat(),
            "price_ueur_per_kwh": self.price_ueur_per_kwh,
            "kind": self.kind.value,
            "volume_ukwh": self.volume_ukwh,
        }


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was cleared for deliveries in one interval of a series; the price is weighted by energy traded."""

    start: datetime
    price_ueur_per_kwh: int
    lowest_ueur_per_kwh: int
    highest_ueur_per_kwh: int
    bought_ukwh: int
    sold_ukwh: int


def stream_of(market_id: UUID) -> str:
    """The event stream of a market's price ticks."""
    return f"market:{market_id}:prices"


def tick_of(payload: Mapping[str, Any]) -> Tick:
    """The tick in an event."""
    return Tick(
        delivery_start=datetime.fromisoformat(payload["delivery_start"]),
        price_ueur_per_kwh=payload["price_ueur_per_kwh"],
        kind=TickKind(payload["kind"]),
        volume_ukwh=payload["volume_ukwh"],
    )


async def announce(session: AsyncSession, market_id: UUID, ticks: Sequence[Tick]) -> None:
    """Tell of ticks, indicative ones only where their delivery interval's last tick had another price."""
    stream = stream_of(market_id)
    last = await _last_prices(session, stream) if any(tick.kind is TickKind.INDICATIVE for tick in ticks) else {}
    new = [
        tick.payload
        for tick in ticks
        if tick.kind is TickKind.CLEARED or last.get(tick.delivery_start) != tick.price_ueur_per_kwh
    ]
    if new:
        await feed.append(session, stream, new)


async def standing(session: AsyncSession, market_id: UUID, now: datetime) -> tuple[list[Event], int]:
    """The last tick of each delivery interval that has not begun, in order, and the number after which news follow."""
    stream = stream_of(market_id)
    newest = select(Event).where(Event.stream == stream).order_by(Event.sequence.desc()).limit(REMEMBERED)
    last: dict[datetime, Event] = {}
    events = list(await session.scalars(newest))
    for event in events:
        last.setdefault(tick_of(event.payload).delivery_start, event)
    coming = [event for start, event in last.items() if start > now]
    return sorted(coming, key=lambda event: event.sequence), events[0].sequence if events else 0


async def _last_prices(session: AsyncSession, stream: str) -> dict[datetime, int]:
    newest = select(Event.payload).where(Event.stream == stream).order_by(Event.sequence.desc()).limit(REMEMBERED)
    last: dict[datetime, int] = {}
    for payload in await session.scalars(newest):
        tick = tick_of(payload)
        last.setdefault(tick.delivery_start, tick.price_ueur_per_kwh)
    return last


# Weighted by energy bought and sold; where energy only passed through, each clearing counts the same.
SERIES = text("""
    SELECT market_id, bucket,
        round(coalesce(
            sum(price_ueur_per_kwh * (bought_ukwh + sold_ukwh)::numeric) / nullif(sum(bought_ukwh + sold_ukwh), 0),
            avg(price_ueur_per_kwh))) AS price,
        min(price_ueur_per_kwh) AS lowest, max(price_ueur_per_kwh) AS highest,
        sum(bought_ukwh) AS bought, sum(sold_ukwh) AS sold
    FROM clearing, LATERAL date_bin(make_interval(mins => :minutes), delivery_start, :start) AS bucket
    WHERE market_id = ANY(:market_ids) AND delivery_start >= :start AND delivery_start < :end
    GROUP BY market_id, bucket ORDER BY market_id, bucket
""").bindparams(
    bindparam("market_ids", type_=ARRAY(Uuid())),
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("end", type_=DateTime(timezone=True)),
)


async def series(
    connection: AsyncConnection, market_ids: Collection[UUID], period: Period, minutes: int
) -> dict[UUID, list[Bucket]]:
    """What was cleared for deliveries that begin in a period, in intervals of some minutes from its start."""
    given = {"market_ids": list(market_ids), "start": period.start, "end": period.end, "minutes": minutes}
    found: dict[UUID, list[Bucket]] = {market_id: [] for market_id in market_ids}
    async for row in by_turns(await connection.execute(SERIES, given)):
        values = (int(value) for value in (row.price, row.lowest, row.highest, row.bought, row.sold))
        found[row.market_id].append(Bucket(row.bucket, *values))
    return found
