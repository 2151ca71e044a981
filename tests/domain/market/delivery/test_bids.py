"""Trades that bids in auctions made are delivered by when they were made, as all are."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.clearing.tables import UNBATCHED, Trade
from tests.domain.market.delivery.settled import the_pair, versions
from tests.factories.deliveries import QUARTER, a_trade, look
from tests.factories.market import a_market


async def a_bid(session: AsyncSession, trade: Trade, placed_at: datetime) -> None:
    """The bid that a trade was made by, in an auction of its seller."""
    auction = DutchAuction(
        market_id=trade.market_id,
        seller_id=trade.seller_id,
        order_id=trade.sell_order_id,
        status=AuctionStatus.SOLD,
        energy_ukwh=trade.energy_ukwh,
        sold_ukwh=trade.energy_ukwh,
        start_price_ueur_per_kwh=trade.price_ueur_per_kwh,
        floor_price_ueur_per_kwh=0,
        step_ueur_per_kwh=1,
        step_seconds=1,
        opens_at=placed_at,
        ends_at=placed_at + QUARTER,
        next_tick_at=placed_at,
        closed_at=placed_at,
    )
    session.add(auction)
    await session.flush()
    bid = AuctionBid(
        auction_id=auction.id,
        bidder_id=trade.buyer_id,
        order_id=trade.buy_order_id,
        energy_ukwh=trade.energy_ukwh,
        price_ueur_per_kwh=trade.price_ueur_per_kwh,
        placed_at=placed_at,
    )
    session.add(bid)
    await session.flush()


@pytest.mark.parametrize(("bid_at", "first"), [(10, "bid"), (30, "batch")])
async def test_a_bid_in_an_auction_is_delivered_by_when_it_was_placed(
    session: AsyncSession, bid_at: int, first: str
) -> None:
    """Its clearing has a number of its own, which is no time."""
    market = await a_market(session)
    seller, buyer = await the_pair(session, sold="1.5", bought="9")
    trades = {
        "batch": await a_trade(session, market, seller, buyer, "1", batch=20),
        "bid": await a_trade(session, market, seller, buyer, "1", batch=UNBATCHED + 1),
    }
    await a_bid(session, trades["bid"], datetime.fromtimestamp(bid_at, UTC))

    await look(session)

    for name, trade in trades.items():
        whole = name == first
        assert await versions(session, trade) == [(1, 1_000_000, 0, 0) if whole else (1, 500_000, 500_000, 0)]
