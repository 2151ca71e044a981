"""Charges, an auction with bids, and statements in the world: Gus auctions, Ada and Bob bid, each has a statement."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.market.auctions.auctions import stream_of
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.places.tables import ChargeKind, MarketCharge, OrderSide
from tests.factories.statements import a_statement, a_statement_line

AT = datetime(2026, 2, 1, tzinfo=UTC)


async def make_bills(session: AsyncSession, world: Any) -> None:
    """In the market of the north."""
    market_id = world.rows["Market"]["north"]
    charge = MarketCharge(
        market_id=market_id, kind=ChargeKind.NETWORK, payer=OrderSide.BUY, rate_ueur_per_kwh=31_200, valid_from=AT
    )
    await _kept(session, world, "MarketCharge", "network", charge)
    await _kept(session, world, "DutchAuction", "of gus", _auction(world))
    auction_id = world.rows["DutchAuction"]["of gus"]
    tick = {"at": AT.isoformat(), "status": "OPEN", "price_ueur_per_kwh": 1, "left_ukwh": 1, "next_tick_at": None}
    await feed.append(session, stream_of(auction_id), [tick])
    for name in ("bob's", "ada's"):
        await _kept(session, world, "AuctionBid", name, _bid(world, auction_id, name))
    for name in ("bob's", "gus's", "ada's"):
        user_id = world.rows["User"][name.removesuffix("'s")]
        await _kept(session, world, "AccountStatement", name, a_statement(user_id, date(2026, 1, 1), AT))
        line = a_statement_line(world.rows["AccountStatement"][name], 1, market_id)
        await _kept(session, world, "StatementLine", name, line)


async def _kept(session: AsyncSession, world: Any, entity: str, name: str, row: Any) -> None:
    session.add(row)
    await session.flush()
    world.keep(entity, name, row)


def _auction(world: Any) -> DutchAuction:
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


def _bid(world: Any, auction_id: UUID, name: str) -> AuctionBid:
    return AuctionBid(
        auction_id=auction_id,
        bidder_id=world.rows["User"][name.removesuffix("'s")],
        order_id=world.rows["Order"][name],
        energy_ukwh=100_000,
        price_ueur_per_kwh=150_000,
        placed_at=AT,
    )
