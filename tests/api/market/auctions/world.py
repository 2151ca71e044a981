"""Gus auctions his order, and Ada and Bob bid."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.market.auctions.auctions import stream_of
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from tests.api.authorization.world import World

AT = datetime(2026, 2, 1, tzinfo=UTC)


async def add_rows(session: AsyncSession, world: World) -> None:
    """An auction in the north with a tick, and two bids."""
    await world.store(session, "DutchAuction", "of gus", _auction(world))
    auction_id = world.rows["DutchAuction"]["of gus"]
    tick = {"at": AT.isoformat(), "status": "OPEN", "price_ueur_per_kwh": 1, "left_ukwh": 1, "next_tick_at": None}
    await feed.append(session, stream_of(auction_id), [tick])
    for name in ("bob's", "ada's"):
        await world.store(session, "AuctionBid", name, _bid(world, auction_id, name))


def _auction(world: World) -> DutchAuction:
    return DutchAuction(
        market_id=world.rows["Market"]["north"],
        seller_id=world.rows["User"]["gus"],
        order_id=world.rows["Order"]["gus's"],
        status=AuctionStatus.ENDED,
        energy_ukwh=1_000_000,
        sold_ukwh=200_000,
        start_price_ueur_per_kwh=200_000,
        floor_price_ueur_per_kwh=100_000,
        step_ueur_per_kwh=50_000,
        step_seconds=60,
        opens_at=AT,
        ends_at=AT + timedelta(minutes=3),
        next_tick_at=AT + timedelta(minutes=3),
        closed_at=AT + timedelta(minutes=3),
    )


def _bid(world: World, auction_id: UUID, name: str) -> AuctionBid:
    return AuctionBid(
        auction_id=auction_id,
        bidder_id=world.rows["User"][name.removesuffix("'s")],
        order_id=world.rows["Order"][name],
        energy_ukwh=100_000,
        price_ueur_per_kwh=150_000,
        placed_at=AT,
    )
