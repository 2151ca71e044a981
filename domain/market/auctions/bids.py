"""Bids in Dutch auctions: whoever bids at least the clock's price takes the energy at it, at once.

A bid is one transaction: it locks the auction, places a buy order at the clock's price (which checks it and holds its
money as any order's), fills it and the seller's order, and puts the trades into escrow. Its clearing bears a number of
its own (`BATCHES`), far beyond the seconds by which batches are numbered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel import idempotency
from domain.kernel.database import Micro, new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed
from domain.kernel.idempotency import Use
from domain.kernel.intervals import Period
from domain.kernel.quantities import LOT_UKWH, amount_ueur
from domain.market.auctions import auctions
from domain.market.auctions.auctions import AuctionClosed
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.auctions.words import AUCTION
from domain.market.clearing import escrow, trades
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import orders, placing
from domain.market.orders.orders import Proposal
from domain.market.orders.tables import Order, OrderInterval
from domain.market.places import charges
from domain.market.places.tables import Market, OrderSide

BATCHES = 10**12


class PriceAboveLimit(DomainError):
    """The clock stands above what the bidder would pay."""

    def __init__(self, price_ueur_per_kwh: int) -> None:
        super().__init__("The clock still stands above your limit.")
        self.price_ueur_per_kwh = price_ueur_per_kwh


class TooLittleLeft(DomainError):
    """Less is left than the bid asks for."""

    def __init__(self, left_ukwh: int) -> None:
        super().__init__("Less is left in the auction than you bid for.")
        self.left_ukwh = left_ukwh


@dataclass(frozen=True, slots=True)
class NewBid:
    """What a bidder takes of each delivery interval, and the most it would pay, micro-EUR per kWh."""

    auction_id: UUID
    energy_ukwh: int
    limit_price_ueur_per_kwh: int


async def bid(session: AsyncSession, viewer: Viewer, key: str, new: NewBid, *, now: datetime) -> UUID:
    """Take energy at the clock's price, once per key; gives the id of the bid.

    Raises NotAllowed, NotFound, InvalidValue, AuctionClosed, PriceAboveLimit, TooLittleLeft, IdempotencyKeyReused and
    what `placing.place` raises of the bidder's order; then nothing may be committed.
    """
    require_scope(viewer, TRADE, "bid with this key")
    idempotency.check_key(key, auctions.KEY_MAX)
    facts = {"auction_id": str(new.auction_id), "energy_ukwh": new.energy_ukwh}
    facts |= {"limit_price_ueur_per_kwh": new.limit_price_ueur_per_kwh}
    use = Use(viewer.key, f"bid:{key}", idempotency.digest({"act": "auction.bid"} | facts))
    earlier = await idempotency.hold(session, use)
    if earlier is not None:
        return earlier
    auction = await auctions.lock(session, new.auction_id)
    price = _check(auction, viewer, new, now)
    await orders.lock(session, [auction.order_id])
    seller = await session.get_one(Order, auction.order_id, populate_existing=True)
    proposal = Proposal(
        market_id=auction.market_id,
        side=OrderSide.BUY,
        energy_ukwh=new.energy_ukwh,
        limit_price_ueur_per_kwh=price,
        delivery=Period(seller.delivery_start, seller.delivery_end),
        is_auctioned=True,
    )
    order_id = await placing.place(session, viewer, f"bid:{key}:order", proposal, now=now)
    taken = AuctionBid(
        id=new_id(),
        auction_id=auction.id,
        bidder_id=viewer.user_id,
        order_id=order_id,
        energy_ukwh=new.energy_ukwh,
        price_ueur_per_kwh=price,
        placed_at=now,
    )
    session.add(taken)
    auction.sold_ukwh = Micro(auction.sold_ukwh + new.energy_ukwh)
    await session.flush()
    buyer = await session.get_one(Order, order_id, populate_existing=True)
    await _trade(session, auction, taken, seller, buyer, now)
    await idempotency.remember(session, use, taken.id)
    await _tell(session, viewer, auction, taken, now)
    return taken.id


def _check(auction: DutchAuction, viewer: Viewer, new: NewBid, now: datetime) -> int:
    """The clock's price, for a bid that may take it. Raises what `bid` raises."""
    if auction.seller_id == viewer.user_id:
        raise NotAllowed("bid in your own auction")
    if auction.closed_at is not None or not auction.opens_at <= now < auction.ends_at:
        status = auction.status if auction.closed_at or now < auction.opens_at else AuctionStatus.ENDED
        raise AuctionClosed(auction.id, status)
    if new.energy_ukwh <= 0 or new.energy_ukwh % LOT_UKWH:
        raise InvalidValue(("energyKwh",), "A bid takes a multiple of 0.001 kWh, more than nothing.")
    left = auction.energy_ukwh - auction.sold_ukwh
    if new.energy_ukwh > left:
        raise TooLittleLeft(left)
    price = auctions.clock_of(auction).price_ueur_per_kwh(now)
    if new.limit_price_ueur_per_kwh < price:
        raise PriceAboveLimit(price)
    return price


async def _trade(
    session: AsyncSession, auction: DutchAuction, taken: AuctionBid, seller: Order, buyer: Order, now: datetime
) -> None:
    """A clearing and a trade for each delivery interval, both orders filled, and the escrow of all."""
    market = await session.get_one(Market, auction.market_id)
    step = timedelta(minutes=market.delivery_minutes)
    held = select(OrderInterval.delivery_start).where(OrderInterval.order_id == buyer.id)
    starts = list(await session.scalars(held.order_by(OrderInterval.delivery_start)))
    batch = BATCHES + taken.number
    cleared = [_clearing(auction, taken, start, batch) for start in starts]
    made = [_row(auction, taken, each, step, seller, buyer) for each in cleared]
    terms = await charges.terms(session, [auction.market_id])
    for row in made:
        escrow.add_escrow(row, terms)
    await session.execute(insert(Clearing), cleared)
    await _fill(session, [seller.id, buyer.id], taken.energy_ukwh)
    kept = await orders.restate(session, sorted([seller.id, buyer.id]), now=now)
    await session.execute(insert(Trade), made)
    await escrow.take(session, kept, made, batch=batch, actor="market", now=now)
    await trades.announce(session, made)


async def _fill(session: AsyncSession, order_ids: Sequence[UUID], energy_ukwh: int) -> None:
    filled = OrderInterval.filled_ukwh + energy_ukwh
    which = OrderInterval.order_id.in_(order_ids)
    values = {"filled_ukwh": filled, "is_open": filled < OrderInterval.energy_ukwh}
    await session.execute(
        update(OrderInterval).where(which).values(**values), execution_options={"synchronize_session": False}
    )


def _clearing(auction: DutchAuction, taken: AuctionBid, start: datetime, batch: int) -> dict[str, Any]:
    price, energy = taken.price_ueur_per_kwh, taken.energy_ukwh
    return {
        "id": new_id(),
        "market_id": auction.market_id,
        "delivery_start": start,
        "batch": batch,
        "price_ueur_per_kwh": price,
        "price_low_ueur_per_kwh": price,
        "price_high_ueur_per_kwh": price,
        "bought_ukwh": energy,
        "sold_ukwh": energy,
        "welfare_ueur": amount_ueur(energy, price - auction.floor_price_ueur_per_kwh),
        "orders_count": 2,
        "input_digest": idempotency.digest({"bid": str(taken.id), "energy": energy, "price": price}).hex(),
        "parameters": {"auction_id": str(auction.id), "bid_id": str(taken.id)},
    }


def _row(
    auction: DutchAuction, taken: AuctionBid, cleared: dict[str, Any], step: timedelta, seller: Order, buyer: Order
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "market_id": auction.market_id,
        "seller_market_id": auction.market_id,
        "clearing_id": cleared["id"],
        "delivery_start": cleared["delivery_start"],
        "delivery_end": cleared["delivery_start"] + step,
        "energy_ukwh": taken.energy_ukwh,
        "price_ueur_per_kwh": taken.price_ueur_per_kwh,
        "seller_price_ueur_per_kwh": taken.price_ueur_per_kwh,
        "buy_order_id": buyer.id,
        "sell_order_id": seller.id,
        "buyer_id": buyer.owner_id,
        "seller_id": seller.owner_id,
        "source": seller.source,
    }


async def _tell(session: AsyncSession, viewer: Viewer, auction: DutchAuction, taken: AuctionBid, now: datetime) -> None:
    """Record the bid, tell its two sides, and end the auction where nothing is left."""
    figures = {"energy_ukwh": taken.energy_ukwh, "price_ueur_per_kwh": taken.price_ueur_per_kwh}
    told = figures | {"auction_id": auction.id, "what": "BID"}
    sides = (auction.seller_id, taken.bidder_id)
    await notices.tell(session, [NewNotice(user, AUCTION, told) for user in sides])
    await entries.record(
        session,
        "auction.bid",
        actor=viewer.key,
        subject=("AuctionBid", taken.id),
        scope_id=auction.market_id,
        facts=figures | {"auction_id": auction.id},
    )
    if auction.sold_ukwh == auction.energy_ukwh:
        await auctions.close_sold(session, auction, now=now)
    else:
        await auctions.announce(session, auction, now)
