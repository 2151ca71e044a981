"""Trades: what a clearing's pairs become, and the stream `market:<id>:trades` that tells of them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.kernel.database import new_id
from domain.kernel.writing import Insertion
from domain.market.clearing.book import OpenInterval
from domain.market.clearing.tables import Trade
from domain.market.places import charges
from domain.market.places.charges import MoneyTerms
from domain.market.places.tables import EnergySource, OrderSide


@dataclass(frozen=True, slots=True)
class Pairing:
    """Energy of one open sell order for one open buy order: what the buyer pays of it, and what the seller gets."""

    sell: OpenInterval
    buy: OpenInterval
    energy_ukwh: int
    paid_ueur_per_kwh: int
    got_ueur_per_kwh: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """The clearing of a market and delivery interval, as a trade needs it."""

    id: UUID
    delivery: timedelta


def stream_of(market_id: UUID) -> str:
    """The event stream of the trades that a market's orders take part in."""
    return f"market:{market_id}:trades"


class TradeRow(NamedTuple):
    """A trade as it is stored, with what it may cost each side."""

    id: UUID
    market_id: UUID
    seller_market_id: UUID
    clearing_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    energy_ukwh: int
    price_ueur_per_kwh: int
    seller_price_ueur_per_kwh: int
    buy_order_id: UUID
    sell_order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    source: EnergySource | None
    buyer_escrow_ueur: int
    seller_escrow_ueur: int


TRADED = Insertion("market_traded", TradeRow, Trade)


async def record(
    session: AsyncSession, pairings: Sequence[Pairing], cleared: Mapping[tuple[UUID, datetime], Cleared]
) -> list[TradeRow]:
    """Store the trades of a batch; gives their rows."""
    terms = await charges.terms(session, {side.market_id for each in pairings for side in (each.buy, each.sell)})
    rows = [_row(pairing, cleared, terms) for pairing in pairings]
    await TRADED.write(session, rows)
    await _announce(session, rows)
    return rows


async def _announce(session: AsyncSession, rows: Sequence[TradeRow]) -> None:
    """Tell of stored trades on the streams of their markets."""
    told: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        for market_id in {row.market_id, row.seller_market_id}:
            told.setdefault(market_id, []).append({"trade_id": str(row.id)})
    for market_id in sorted(told):
        await feed.append(session, stream_of(market_id), told[market_id])


def _row(
    pairing: Pairing, cleared: Mapping[tuple[UUID, datetime], Cleared], terms: Mapping[UUID, MoneyTerms]
) -> TradeRow:
    """A trade of a pair; each side's escrow is by the terms of its own market."""
    buy, sell, energy = pairing.buy, pairing.sell, pairing.energy_ukwh
    start, paid, got = buy.delivery_start, pairing.paid_ueur_per_kwh, pairing.got_ueur_per_kwh
    bought = cleared[buy.market_id, start]
    return TradeRow(
        id=new_id(),
        market_id=buy.market_id,
        seller_market_id=sell.market_id,
        clearing_id=bought.id,
        delivery_start=start,
        delivery_end=start + bought.delivery,
        energy_ukwh=energy,
        price_ueur_per_kwh=paid,
        seller_price_ueur_per_kwh=got,
        buy_order_id=buy.order_id,
        sell_order_id=sell.order_id,
        buyer_id=buy.owner_id,
        seller_id=sell.owner_id,
        source=sell.source,
        buyer_escrow_ueur=charges.escrow_ueur(OrderSide.BUY, energy, paid, terms[buy.market_id], start),
        seller_escrow_ueur=charges.escrow_ueur(OrderSide.SELL, energy, got, terms[sell.market_id], start),
    )
