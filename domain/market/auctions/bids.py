"""Bids in Dutch auctions: whoever bids at least the clock's price takes the energy at it, at once.

A bid is one transaction: it locks the auction, places a buy order at the clock's price (which checks it and holds its
money as any order's), fills it and the seller's order, and puts the trades into escrow. Its clearing bears a number of
its own, far beyond the seconds by which batches are numbered (`clearing.tables.UNBATCHED`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel import idempotency
from domain.kernel.database import Micro, among, new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed
from domain.kernel.idempotency import Use
from domain.kernel.intervals import Period
from domain.kernel.quantities import LOT_UKWH, amount_ueur
from domain.market.auctions import auctions
from domain.market.auctions.auctions import AuctionClosed
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.auctions.words import AUCTION
from domain.market.clearing import clearings, fills
from domain.market.clearing.book import OpenInterval
from domain.market.clearing.clearings import Batch, CellPrice, ClearingRow
from domain.market.clearing.tables import UNBATCHED
from domain.market.clearing.trades import Pairing
from domain.market.orders import orders, placing
from domain.market.orders.orders import Proposal
from domain.market.orders.tables import Order, OrderInterval
from domain.market.places.tables import Market, OrderSide


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
    intervals = await _trade(session, auction, taken, seller, buyer, now)
    await idempotency.remember(session, use, taken.id)
    await notices.tell(session, _told(auction, taken, intervals))
    await _record(session, viewer, auction, taken, now)
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
) -> int:
    """A clearing and a trade for each delivery interval, both orders filled, and the escrow of all; how many."""
    market = await session.get_one(Market, auction.market_id)
    pairings = [_pairing(taken, *sides) for sides in await _open_intervals(session, seller, buyer)]
    rows = [_clearing(auction, taken, pairing) for pairing in pairings]
    delivery = {market.id: timedelta(minutes=market.delivery_minutes)}
    await clearings.carry_out(session, rows, pairings, fills.of(pairings), delivery, actor="market", now=now)
    return len(pairings)


async def _open_intervals(session: AsyncSession, *held: Order) -> list[tuple[OpenInterval, ...]]:
    """By delivery interval, what is open there of locked orders whose delivery is the same."""
    which = among(OrderInterval.order_id, [order.id for order in held])
    query = select(OrderInterval.order_id, OrderInterval.delivery_start, OrderInterval.filled_ukwh).where(which)
    filled = {(order_id, start): ukwh for order_id, start, ukwh in await session.execute(query)}
    starts = sorted({start for _, start in filled})
    return [tuple(_open(order, start, filled[order.id, start]) for order in held) for start in starts]


def _open(order: Order, start: datetime, filled_ukwh: int) -> OpenInterval:
    return OpenInterval(
        order_id=order.id,
        delivery_start=start,
        market_id=order.market_id,
        owner_id=order.owner_id,
        side=order.side,
        limit_price_ueur_per_kwh=order.limit_price_ueur_per_kwh,
        sequence=order.sequence,
        energy_ukwh=order.energy_ukwh,
        filled_ukwh=filled_ukwh,
        source=order.source,
    )


def _pairing(taken: AuctionBid, sell: OpenInterval, buy: OpenInterval) -> Pairing:
    """Both sides trade at the clock's price."""
    return Pairing(sell, buy, taken.energy_ukwh, taken.price_ueur_per_kwh, taken.price_ueur_per_kwh)


def _clearing(auction: DutchAuction, taken: AuctionBid, pairing: Pairing) -> ClearingRow:
    price, energy = taken.price_ueur_per_kwh, taken.energy_ukwh
    digest = idempotency.digest({"bid": str(taken.id), "energy": energy, "price": price}).hex()
    parameters = {"auction_id": str(auction.id), "bid_id": str(taken.id)}
    cell = auction.market_id, pairing.buy.delivery_start
    at_the_clock = CellPrice(price, price, price, is_traded=True, parameters=parameters)
    batch = Batch(UNBATCHED + taken.number, None, digest)
    return clearings.row_of(cell, at_the_clock, [pairing], [pairing], batch, orders_count=2)


def _told(auction: DutchAuction, taken: AuctionBid, intervals: int) -> list[NewNotice]:
    """What the two sides of a bid hear of it: the energy of all delivery intervals, and what it comes to."""
    energy, price = taken.energy_ukwh * intervals, taken.price_ueur_per_kwh
    worth = amount_ueur(energy, price)
    told = {"auction_id": auction.id, "what": "BID", "energy_ukwh": energy, "price_ueur_per_kwh": price}
    sold = told | {"side": OrderSide.SELL.value, "amount_ueur": worth}
    bought = told | {"side": OrderSide.BUY.value, "amount_ueur": -worth}
    return [NewNotice(auction.seller_id, AUCTION, sold), NewNotice(taken.bidder_id, AUCTION, bought)]


async def _record(
    session: AsyncSession, viewer: Viewer, auction: DutchAuction, taken: AuctionBid, now: datetime
) -> None:
    """Record the bid, and end the auction where nothing is left."""
    figures = {"energy_ukwh": taken.energy_ukwh, "price_ueur_per_kwh": taken.price_ueur_per_kwh}
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
