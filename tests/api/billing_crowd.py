"""Charges, auctions and statements for a crowd: fifty in the first market, fifty bids in the first auction, fifty
statements of the first user, fifty lines in the first of them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.orders.tables import Order
from domain.market.places.tables import ChargeKind, MarketCharge, OrderSide
from tests.factories.statements import a_statement, a_statement_line


async def a_crowd_of_bills(
    session: AsyncSession, market_id: UUID, sells: Sequence[Order], buys: Sequence[Order], at: datetime
) -> None:
    """Everything; the orders' owner is the seller, the bidder and the member who is billed."""
    charges = [_charge(market_id, at + number * timedelta(days=1)) for number, _ in enumerate(sells)]
    await _stored(session, charges)
    auctions = await _stored(session, [_auction(order, at) for order in sells])
    await _stored(session, [_bid(auctions[0], order, at) for order in buys])
    months = [date(2020 + number // 12, number % 12 + 1, 1) for number, _ in enumerate(sells)]
    statements = await _stored(session, [a_statement(sells[0].owner_id, month, at) for month in months])
    lines = [(statements[0], number) for number, _ in enumerate(sells, 1)] + [(each, 1) for each in statements[1:]]
    await _stored(session, [a_statement_line(statement.id, number, market_id) for statement, number in lines])


async def _stored(session: AsyncSession, rows: Sequence[Any]) -> Sequence[Any]:
    for row in rows:
        row.id = new_id()
    session.add_all(rows)
    await session.flush()
    return rows


def _charge(market_id: UUID, valid_from: datetime) -> MarketCharge:
    terms = {"kind": ChargeKind.NETWORK, "payer": OrderSide.BUY, "rate_ueur_per_kwh": 1_000}
    return MarketCharge(market_id=market_id, valid_from=valid_from, **terms)


def _auction(order: Order, at: datetime) -> DutchAuction:
    return DutchAuction(
        market_id=order.market_id,
        seller_id=order.owner_id,
        order_id=order.id,
        status=AuctionStatus.OPEN,
        energy_ukwh=1_000,
        start_price_ueur_per_kwh=200_000,
        floor_price_ueur_per_kwh=100_000,
        step_ueur_per_kwh=100,
        step_seconds=60,
        opens_at=at,
        ends_at=at + timedelta(hours=20),
        next_tick_at=at,
    )


def _bid(auction: DutchAuction, order: Order, at: datetime) -> AuctionBid:
    taken = {"energy_ukwh": 1_000, "price_ueur_per_kwh": 100_000, "placed_at": at}
    return AuctionBid(auction_id=auction.id, bidder_id=order.owner_id, order_id=order.id, **taken)
