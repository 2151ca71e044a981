"""Dutch auctions: a clock that descends from a start price to a floor; the first bid at its price takes the energy.

The energy on offer is a sell order of its own (`is_auctioned`), which no batch clears: it holds what its seller may
owe and reserves capacity as any order does. Each accepted bid is a buy order at the clock's price, filled at once, and
a clearing of its own; so trades, escrow, delivery and statements are those of every trade.

The price is a function of time alone. Ticks only tell of it; a bid is judged by the instant at which it is placed.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import feed, notices
from domain.events.notices import NewNotice
from domain.events.tables import Event
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel import idempotency
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.idempotency import Use
from domain.kernel.intervals import Period
from domain.kernel.quantities import PRICE_UEUR_PER_KWH_MAX, TICK_UEUR_PER_KWH
from domain.market.auctions.tables import AuctionStatus, DutchAuction
from domain.market.auctions.words import AUCTION
from domain.market.orders import orders, placing
from domain.market.orders.orders import Proposal
from domain.market.orders.tables import Order, OrderInterval, OrderStatus
from domain.market.places.tables import EnergySource, OrderSide

STEPS_MAX = 10_000
KEY_MAX = 180  # Of callers: keys of the orders that auctions and bids place are made of theirs.


class AuctionClosed(DomainError):
    """The auction has not opened yet, is sold out, has ended or was cancelled."""

    def __init__(self, auction_id: UUID, status: AuctionStatus) -> None:
        super().__init__(f"The auction takes no bids: {status.value.lower()}.")
        self.auction_id = auction_id
        self.status = status


@dataclass(frozen=True, slots=True)
class Descent:
    """How the price of an auction descends, micro-EUR per kWh."""

    start_price_ueur_per_kwh: int
    floor_price_ueur_per_kwh: int
    step_ueur_per_kwh: int
    step_seconds: int

    @property
    def steps(self) -> int:
        """How many steps lead to the floor."""
        return -(-(self.start_price_ueur_per_kwh - self.floor_price_ueur_per_kwh) // self.step_ueur_per_kwh)


@dataclass(frozen=True, slots=True)
class Clock(Descent):
    """A descent that starts at an instant."""

    opens_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When the floor has stood for one step."""
        return self.opens_at + timedelta(seconds=self.step_seconds) * (self.steps + 1)

    def price_ueur_per_kwh(self, at: datetime) -> int:
        """The price at an instant since it opened."""
        done = (at - self.opens_at) // timedelta(seconds=self.step_seconds)
        return max(self.floor_price_ueur_per_kwh, self.start_price_ueur_per_kwh - done * self.step_ueur_per_kwh)

    def next_step_at(self, at: datetime) -> datetime:
        """When the price steps next, or the auction opens or ends."""
        if at < self.opens_at:
            return self.opens_at
        step = timedelta(seconds=self.step_seconds)
        return min(self.ends_at, self.opens_at + step * ((at - self.opens_at) // step + 1))


def clock_of(auction: DutchAuction) -> Clock:
    """The clock of a stored auction."""
    return Clock(
        auction.start_price_ueur_per_kwh,
        auction.floor_price_ueur_per_kwh,
        auction.step_ueur_per_kwh,
        auction.step_seconds,
        auction.opens_at,
    )


def stream_of(auction_id: UUID) -> str:
    """The event stream of an auction's ticks."""
    return f"auction:{auction_id}:ticks"


async def open_auction(
    session: AsyncSession,
    viewer: Viewer,
    key: str,
    market_id: UUID,
    energy_ukwh: int,
    delivery: Period,
    descent: Descent,
    *,
    opens_at: datetime | None = None,
    source: EnergySource | None = None,
    now: datetime,
) -> UUID:
    """Offer energy in each interval of a delivery under a descending clock, once per key; gives the auction's id.

    The clock starts now where nothing is said; a repetition says the same, however much later it comes.

    Raises InvalidValue, IdempotencyKeyReused, and what `placing.place` raises of the seller's order.
    """
    require_scope(viewer, TRADE, "open auctions with this key")
    idempotency.check_key(key, KEY_MAX)
    proposal = Proposal(
        market_id=market_id,
        side=OrderSide.SELL,
        energy_ukwh=energy_ukwh,
        limit_price_ueur_per_kwh=descent.floor_price_ueur_per_kwh,
        delivery=delivery,
        source=source,
        is_auctioned=True,
    )
    opening = None if opens_at is None else opens_at.isoformat()
    facts = {"act": "auction.open", "proposal": proposal.facts, "descent": asdict(descent), "opens_at": opening}
    use = Use(viewer.key, f"auction:{key}", idempotency.digest(facts))
    earlier = await idempotency.hold(session, use)
    if earlier is not None:
        return earlier
    clock = Clock(**asdict(descent), opens_at=opens_at or now.replace(microsecond=0))
    _check(clock, delivery, now)
    auction_id = new_id()
    order_id = await placing.place(session, viewer, f"auction:{key}:order", proposal, now=now)
    assert viewer.user_id is not None
    is_open = clock.opens_at <= now
    auction = DutchAuction(
        id=auction_id,
        market_id=market_id,
        seller_id=viewer.user_id,
        order_id=order_id,
        status=AuctionStatus.OPEN if is_open else AuctionStatus.SCHEDULED,
        energy_ukwh=energy_ukwh,
        ends_at=clock.ends_at,
        next_tick_at=clock.next_step_at(now),
        **asdict(clock),
    )
    session.add(auction)
    await session.flush()
    await idempotency.remember(session, use, auction_id)
    await entries.record(
        session,
        "auction.open",
        actor=viewer.key,
        subject=("DutchAuction", auction_id),
        scope_id=market_id,
        facts=proposal.facts | _facts(clock),
    )
    await announce(session, auction, now)
    return auction_id


async def cancel(session: AsyncSession, viewer: Viewer, auction_id: UUID, *, now: datetime) -> None:
    """Take one's own auction back; what was sold stays. Raises NotAllowed, NotFound, AuctionClosed."""
    require_scope(viewer, TRADE, "cancel auctions with this key")
    auction = await lock(session, auction_id)
    if auction.seller_id != viewer.user_id:
        raise NotAllowed("cancel another's auction")
    if auction.closed_at is not None:
        raise AuctionClosed(auction_id, auction.status)
    await _close(session, auction, AuctionStatus.CANCELLED, actor=viewer.key, now=now)


async def advance(session: AsyncSession, *, now: datetime) -> int:
    """Tell of every auction whose clock has stepped since the last time, and end those whose time is up."""
    due = (
        select(DutchAuction)
        .where(DutchAuction.closed_at.is_(None), DutchAuction.next_tick_at <= now)
        .order_by(DutchAuction.next_tick_at, DutchAuction.id)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    auctions = list(await session.scalars(due, execution_options={"populate_existing": True}))
    for auction in auctions:
        if auction.ends_at <= now:
            await _close(session, auction, AuctionStatus.ENDED, actor="clock", now=now)
        else:
            auction.status = AuctionStatus.OPEN
            auction.next_tick_at = clock_of(auction).next_step_at(now)
            await session.flush()
            await announce(session, auction, now)
    return len(auctions)


async def lock(session: AsyncSession, auction_id: UUID) -> DutchAuction:
    """An auction, held until commit. Raises NotFound."""
    auction = await session.get(DutchAuction, auction_id, with_for_update=True, populate_existing=True)
    if auction is None:
        raise NotFound("auction", auction_id)
    return auction


async def announce(session: AsyncSession, auction: DutchAuction, now: datetime) -> None:
    """Append where an auction stands to its stream."""
    await feed.append(session, stream_of(auction.id), [tick_of(auction, now)])


async def standing(session: AsyncSession, auction_id: UUID) -> tuple[list[Event], int]:
    """The last event of an auction, and its number."""
    last = await feed.last_sequence(session, stream_of(auction_id))
    return await feed.after(session, stream_of(auction_id), last - 1, 1), last


def tick_of(auction: DutchAuction, now: datetime) -> dict[str, Any]:
    """Where an auction stands, as an event carries it: the price from an instant on, and what is left."""
    return {
        "at": now.isoformat(),
        "status": auction.status.value,
        "price_ueur_per_kwh": clock_of(auction).price_ueur_per_kwh(max(now, auction.opens_at)),
        "left_ukwh": auction.energy_ukwh - auction.sold_ukwh,
        "next_tick_at": None if auction.closed_at else auction.next_tick_at.isoformat(),
    }


async def _close(
    session: AsyncSession, auction: DutchAuction, status: AuctionStatus, *, actor: str, now: datetime
) -> None:
    """End an auction and what is open of its order; what that held is available again."""
    auction.status, auction.closed_at = status, now
    await session.flush()
    await orders.lock(session, [auction.order_id])
    is_open = select(Order.closed_at.is_(None)).where(Order.id == auction.order_id)
    if (await session.execute(is_open)).scalar_one():
        ended = OrderStatus.CANCELLED if status is AuctionStatus.CANCELLED else OrderStatus.EXPIRED
        await orders.close(session, [auction.order_id], ended, actor=actor, now=now)
    facts = {"status": status.value, "sold_ukwh": auction.sold_ukwh}
    intervals = select(func.count()).where(OrderInterval.order_id == auction.order_id)
    sold_ukwh = auction.sold_ukwh * (await session.execute(intervals)).scalar_one()
    told = {"auction_id": auction.id, "what": status.value, "energy_ukwh": sold_ukwh}
    await notices.tell(session, [NewNotice(auction.seller_id, AUCTION, told)])
    await entries.record(
        session,
        "auction.close",
        actor=actor,
        subject=("DutchAuction", auction.id),
        scope_id=auction.market_id,
        facts=facts,
    )
    await announce(session, auction, now)


async def close_sold(session: AsyncSession, auction: DutchAuction, *, now: datetime) -> None:
    """End an auction whose energy is sold."""
    await _close(session, auction, AuctionStatus.SOLD, actor="clock", now=now)


def _check(clock: Clock, delivery: Period, now: datetime) -> None:
    prices = {
        "startPrice": clock.start_price_ueur_per_kwh,
        "floorPrice": clock.floor_price_ueur_per_kwh,
        "step": clock.step_ueur_per_kwh,
    }
    for name, price in prices.items():
        if price % TICK_UEUR_PER_KWH or abs(price) > PRICE_UEUR_PER_KWH_MAX:
            raise InvalidValue((name,), "It must be -4 to 4 EUR/kWh in steps of 0.0001.")
    if clock.step_ueur_per_kwh <= 0:
        raise InvalidValue(("step",), "A step is more than nothing.")
    if clock.floor_price_ueur_per_kwh > clock.start_price_ueur_per_kwh:
        raise InvalidValue(("floorPrice",), "The floor lies above the start price.")
    if not 1 <= clock.step_seconds <= 3600:
        raise InvalidValue(("stepSeconds",), "A step takes 1 to 3600 seconds.")
    if clock.steps > STEPS_MAX:
        raise InvalidValue(("step",), f"The clock would take more than {STEPS_MAX} steps.")
    if clock.opens_at < now - timedelta(seconds=60):
        raise InvalidValue(("opensAt",), "An auction opens now or later.")
    if clock.ends_at > delivery.start:
        raise InvalidValue(
            ("delivery",), f"The clock runs until {clock.ends_at:%Y-%m-%dT%H:%M:%SZ}; deliver after that."
        )


def _facts(clock: Clock) -> dict[str, Any]:
    return asdict(clock) | {"opens_at": clock.opens_at.isoformat()}
