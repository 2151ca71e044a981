"""Trades: what a clearing's pairs become, and the stream `market:<id>:trades` that tells of them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.kernel.database import new_id
from domain.market.clearing import escrow
from domain.market.clearing.book import OpenInterval
from domain.market.clearing.tables import Trade
from domain.market.places import charges


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


async def record(
    session: AsyncSession, pairings: Sequence[Pairing], cleared: Mapping[tuple[UUID, datetime], Cleared]
) -> list[dict[str, Any]]:
    """Store the trades of a batch; gives their rows."""
    rows = [_row(pairing, cleared) for pairing in pairings]
    if rows:
        terms = await charges.terms(session, {row[of] for row in rows for of in ("market_id", "seller_market_id")})
        for row in rows:
            escrow.add_escrow(row, terms)
        await session.execute(insert(Trade), rows)
    await announce(session, rows)
    return rows


async def announce(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell of stored trades on the streams of their markets."""
    told: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        for market_id in {row["market_id"], row["seller_market_id"]}:
            told.setdefault(market_id, []).append({"trade_id": str(row["id"])})
    for market_id in sorted(told):
        await feed.append(session, stream_of(market_id), told[market_id])


def _row(pairing: Pairing, cleared: Mapping[tuple[UUID, datetime], Cleared]) -> dict[str, Any]:
    buy, sell = pairing.buy, pairing.sell
    bought = cleared[buy.market_id, buy.delivery_start]
    return {
        "id": new_id(),
        "market_id": buy.market_id,
        "seller_market_id": sell.market_id,
        "clearing_id": bought.id,
        "delivery_start": buy.delivery_start,
        "delivery_end": buy.delivery_start + bought.delivery,
        "energy_ukwh": pairing.energy_ukwh,
        "price_ueur_per_kwh": pairing.paid_ueur_per_kwh,
        "seller_price_ueur_per_kwh": pairing.got_ueur_per_kwh,
        "buy_order_id": buy.order_id,
        "sell_order_id": sell.order_id,
        "buyer_id": buy.owner_id,
        "seller_id": sell.owner_id,
        "source": sell.source,
    }
