"""What was sent over the links of zones: the net exports of all zones, sent along the cheapest ways as they stand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.market.clearing import bridge
from domain.kernel.intervals import Period
from domain.kernel.quantities import LOT_UKWH
from domain.market.clearing import flows
from domain.market.clearing.book import Book
from domain.market.places import markets
from domain.market.places.markets import Coupling, Link


@dataclass(frozen=True, slots=True)
class Flow:
    """What was sent over a link in a period, of how much in those deliveries in which anything was cleared."""

    link: Link
    energy_ukwh: int
    possible_ukwh: int
    full_intervals: int


async def of_zones(session: AsyncSession, zone_ids: Sequence[UUID], period: Period) -> dict[UUID, list[Flow]]:
    """Flows over the links from or to each zone, in the order of the links."""
    found: dict[UUID, list[Flow]] = {zone_id: [] for zone_id in zone_ids}
    for coupling in await markets.couplings(session):
        touched = set(coupling.zone_ids).intersection(zone_ids)
        if touched and coupling.links:
            sent = await _sent(session, coupling, period)
            for zone_id in touched:
                found[zone_id] = [flow for flow in sent if zone_id in (flow.link.from_zone_id, flow.link.to_zone_id)]
    return found


async def _sent(session: AsyncSession, coupling: Coupling, period: Period) -> list[Flow]:
    exported = await flows.exported(session, coupling, period)
    starts = sorted({each.delivery_start for each in exported})
    if not starts:
        return [Flow(link, 0, 0, 0) for link in coupling.links]
    return await asyncio.to_thread(_over_links, Book(coupling=coupling, open=(), exported=exported), starts)


def _over_links(book: Book, starts: list[datetime]) -> list[Flow]:
    sent_wh = bridge.sent_wh(book, starts, bridge.links_of(book))
    return [_flow(link, sent_wh[:, index].tolist()) for index, link in enumerate(book.coupling.links)]


def _flow(link: Link, sent_wh: Sequence[int]) -> Flow:
    capacity_wh = link.capacity_ukwh // LOT_UKWH
    full = sum(each >= capacity_wh for each in sent_wh)
    return Flow(link, sum(sent_wh) * LOT_UKWH, capacity_wh * len(sent_wh) * LOT_UKWH, full)
