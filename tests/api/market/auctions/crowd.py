"""Auctions of all orders to sell, and bids in the first one by all orders to buy in other markets."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.orders.tables import Order
from tests.api.crowd import MANY, START, Crowd, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty of each; the orders' owner is the seller and the bidder."""
    _, *orders = await session.scalars(select(Order).order_by(Order.id))
    auctions = await stored(session, [_auction(order, START) for order in orders[:MANY]])
    await stored(session, [_bid(auctions[0], order, START) for order in orders[MANY:]])


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
