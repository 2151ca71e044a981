"""Dutch auctions: the clock, bids at its price, what they trade and what they refuse."""

from dataclasses import fields
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import feed
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed
from domain.kernel.quantities import parse_micro
from domain.ledger import accounts
from domain.ledger.transfers import InsufficientFunds
from domain.market.auctions import auctions, bids
from domain.market.auctions.auctions import AuctionClosed, Clock, Descent
from domain.market.auctions.bids import NewBid, PriceAboveLimit, TooLittleLeft
from domain.market.auctions.tables import AuctionBid, AuctionStatus, DutchAuction
from domain.market.clearing import verification
from domain.market.clearing.tables import Trade
from domain.market.orders import orders
from domain.market.orders.tables import Order, OrderStatus
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, a_delivery, a_market, a_trader, an_order, now

OPENED = now().replace(microsecond=0)


def a_clock(start: str = "0.3", floor: str = "0.1", step: str = "0.05", seconds: int = 60) -> Clock:
    return Clock(parse_micro(start), parse_micro(floor), parse_micro(step), seconds, OPENED)


async def an_auction(
    session: AsyncSession, seller: Viewer, market: UUID, kwh: str = "2", clock: Clock | None = None
) -> UUID:
    delivery, energy, clock = a_delivery(0, 2), parse_micro(kwh), clock or a_clock()
    return await auctions.open_auction(
        session, seller, "a key", market, energy, delivery, descent_of(clock), opens_at=clock.opens_at, now=OPENED
    )


def descent_of(clock: Clock) -> Descent:
    return Descent(**{field.name: getattr(clock, field.name) for field in fields(Descent)})


async def bid(
    session: AsyncSession, bidder: Viewer, auction: UUID, kwh: str, limit: str = "1", minutes: float = 0, key: str = "b"
) -> UUID:
    new = NewBid(auction, parse_micro(kwh), parse_micro(limit))
    return await bids.bid(session, bidder, key, new, now=OPENED + timedelta(minutes=minutes))


async def wallet(session: AsyncSession, owner: Viewer) -> tuple[int, int]:
    assert owner.user_id is not None
    found = (await accounts.hold(session, [owner.user_id])).wallets[owner.user_id]
    return found.available_ueur, found.held_ueur


async def ticks(session: AsyncSession, auction: UUID) -> list[tuple[str, int, int]]:
    told = await feed.after(session, auctions.stream_of(auction), 0, 100)
    return [(e.payload["status"], e.payload["price_ueur_per_kwh"], e.payload["left_ukwh"]) for e in told]


async def is_sound(session: AsyncSession) -> bool:
    broken = [breach async for breach in verification.breaches(session)]
    altered = [breach async for breach in entries.verify(session)]
    return not broken and not altered


@pytest.mark.parametrize(
    ("seconds", "price"), [(0, 300_000), (59, 300_000), (60, 250_000), (180, 150_000), (240, 100_000), (299, 100_000)]
)
def test_the_clock_descends_to_the_floor(seconds: int, price: int) -> None:
    assert a_clock().price_ueur_per_kwh(OPENED + timedelta(seconds=seconds)) == price


def test_an_uneven_last_step_ends_at_the_floor() -> None:
    clock = a_clock("0.3", "0.11", "0.05")

    assert clock.steps == 4
    assert clock.ends_at == OPENED + timedelta(minutes=5)
    assert clock.price_ueur_per_kwh(clock.ends_at) == 110_000
    assert clock.next_step_at(OPENED - timedelta(hours=1)) == OPENED
    assert clock.next_step_at(OPENED + timedelta(seconds=61)) == OPENED + timedelta(minutes=2)


async def test_a_bid_takes_energy_at_the_clocks_price(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session, "1"), await a_trader(session, "5")
    auction = await an_auction(session, seller, market)

    bid_id = await bid(session, buyer, auction, "1.5", minutes=2)

    taken = await session.get_one(AuctionBid, bid_id)
    traded = list(await session.scalars(select(Trade).order_by(Trade.delivery_start)))
    assert (taken.price_ueur_per_kwh, taken.energy_ukwh) == (200_000, 1_500_000)
    assert [(t.energy_ukwh, t.price_ueur_per_kwh, t.seller_price_ueur_per_kwh) for t in traded] == [
        (1_500_000, 200_000, 200_000)
    ] * 2
    order = await session.get_one(Order, taken.order_id, populate_existing=True)
    assert (order.status, order.filled_ukwh, order.held_ueur) == (OrderStatus.FILLED, 3_000_000, 0)
    assert await wallet(session, buyer) == (5_000_000 - 600_000, 0)
    assert sum(t.buyer_escrow_ueur for t in traded) == 600_000
    assert await ticks(session, auction) == [("OPEN", 300_000, 2_000_000), ("OPEN", 200_000, 500_000)]
    assert await is_sound(session)


async def test_an_auction_that_is_sold_out_ends(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session), await a_trader(session)
    auction = await an_auction(session, seller, market)

    await bid(session, buyer, auction, "2", minutes=1)

    row = await session.get_one(DutchAuction, auction, populate_existing=True)
    offered = await session.get_one(Order, row.order_id, populate_existing=True)
    assert (row.status, row.sold_ukwh, offered.status) == (AuctionStatus.SOLD, 2_000_000, OrderStatus.FILLED)
    with pytest.raises(AuctionClosed) as refused:
        await bid(session, buyer, auction, "1", minutes=1, key="late")
    assert refused.value.status is AuctionStatus.SOLD
    assert await is_sound(session)


async def test_batches_leave_auctions_alone(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session), await a_trader(session)
    await an_auction(session, seller, market)
    await an_order(session, buyer, market, BUY, "1", "0.5")

    await clear(session, market)

    assert await session.scalar(select(func.count()).select_from(Trade)) == 0


async def test_the_clock_tells_of_each_step_once_and_ends_at_last(session: AsyncSession) -> None:
    market, seller = await a_market(session, penalty_ueur_per_kwh=100_000), await a_trader(session, "1")
    auction = await an_auction(session, seller, market, "1")

    instants = [OPENED + timedelta(seconds=seconds) for seconds in (0, 30, 60, 60, 130, 299, 300)]
    told = [await auctions.advance(session, now=at) for at in instants]

    assert told == [0, 0, 1, 0, 1, 1, 1]
    assert [price for _, price, _ in await ticks(session, auction)] == [300_000, 250_000, 200_000, 100_000, 100_000]
    row = await session.get_one(DutchAuction, auction, populate_existing=True)
    offered = await session.get_one(Order, row.order_id, populate_existing=True)
    assert (row.status, offered.status) == (AuctionStatus.ENDED, OrderStatus.EXPIRED)
    assert await wallet(session, seller) == (1_000_000, 0)


async def test_a_cancelled_auction_keeps_what_it_sold(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session), await a_trader(session)
    auction = await an_auction(session, seller, market)
    await bid(session, buyer, auction, "0.5")

    await auctions.cancel(session, seller, auction, now=OPENED + timedelta(minutes=1))

    row = await session.get_one(DutchAuction, auction, populate_existing=True)
    assert (row.status, row.sold_ukwh) == (AuctionStatus.CANCELLED, 500_000)
    assert await is_sound(session)
    with pytest.raises(AuctionClosed):
        await auctions.cancel(session, seller, auction, now=OPENED + timedelta(minutes=1))


async def test_bidding_and_opening_twice_does_it_once(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session), await a_trader(session)
    auction = await an_auction(session, seller, market)

    again = await an_auction(session, seller, market)
    first, second = [await bid(session, buyer, auction, "0.5") for _ in range(2)]

    assert (again, second) == (auction, first)
    row = await session.get_one(DutchAuction, auction, populate_existing=True)
    assert row.sold_ukwh == 500_000


@pytest.mark.parametrize(
    ("kwh", "limit", "minutes", "refusal", "facts"),
    [
        ("0.5", "0.2999", 0, PriceAboveLimit, {"price_ueur_per_kwh": 300_000}),
        ("2.001", "1", 0, TooLittleLeft, {"left_ukwh": 2_000_000}),
        ("0.0005", "1", 0, InvalidValue, {"path": ("energyKwh",)}),
        ("0", "1", 0, InvalidValue, {"path": ("energyKwh",)}),
        ("-1", "1", 0, InvalidValue, {"path": ("energyKwh",)}),
        ("0.5", "1", -1, AuctionClosed, {}),
        ("0.5", "1", 5, AuctionClosed, {"status": AuctionStatus.ENDED}),
        ("2", "1", 0, InsufficientFunds, {"required_ueur": 1_200_000, "available_ueur": 1_000_000}),
    ],
)
async def test_a_refused_bid_changes_nothing(
    session: AsyncSession, kwh: str, limit: str, minutes: int, refusal: type[DomainError], facts: dict[str, object]
) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session), await a_trader(session, "1")
    auction = await an_auction(session, seller, market)

    with pytest.raises(refusal) as refused:
        async with session.begin_nested():
            await bid(session, buyer, auction, kwh, limit, minutes)

    assert {name: getattr(refused.value, name) for name in facts} == facts
    assert await wallet(session, buyer) == (1_000_000, 0)
    assert await session.scalar(select(func.count()).select_from(AuctionBid)) == 0
    assert (await session.get_one(DutchAuction, auction, populate_existing=True)).sold_ukwh == 0


async def test_nobody_bids_in_their_own_auction_or_takes_its_order_back(session: AsyncSession) -> None:
    market, seller, other = await a_market(session), await a_trader(session), await a_trader(session)
    auction = await an_auction(session, seller, market)
    row = await session.get_one(DutchAuction, auction)

    for act in (
        bid(session, seller, auction, "1"),
        auctions.cancel(session, other, auction, now=OPENED),
        orders.cancel(session, seller, row.order_id, now=OPENED),
    ):
        with pytest.raises(NotAllowed):
            await act
    assert row.sold_ukwh == 0


async def test_an_auction_asked_for_again_later_is_the_first(session: AsyncSession) -> None:
    market, seller = await a_market(session), await a_trader(session)
    energy, delivery, descent = parse_micro("2"), a_delivery(), descent_of(a_clock())

    first, again = [
        await auctions.open_auction(
            session, seller, "a key", market, energy, delivery, descent, now=OPENED + timedelta(minutes=minutes)
        )
        for minutes in (0, 3)
    ]
    given, again_given = [
        await auctions.open_auction(
            session,
            seller,
            "another key",
            market,
            energy,
            delivery,
            descent,
            opens_at=OPENED,
            now=OPENED + timedelta(minutes=minutes),
        )
        for minutes in (0, 3)
    ]

    assert (again, again_given) == (first, given)
    assert first != given


@pytest.mark.parametrize(
    ("clock", "path"),
    [
        (a_clock("0.1", "0.2"), ("floorPrice",)),
        (a_clock(step="0"), ("step",)),
        (a_clock(step="0.0001", seconds=1, start="4", floor="-4"), ("step",)),
        (a_clock(start="4.1"), ("startPrice",)),
        (a_clock(step="0.00005"), ("step",)),
        (a_clock(seconds=0), ("stepSeconds",)),
        (a_clock(seconds=3600), ("delivery",)),
        (Clock(300_000, 100_000, 50_000, 60, OPENED - timedelta(hours=1)), ("opensAt",)),
    ],
)
async def test_a_clock_that_cannot_be_is_refused(session: AsyncSession, clock: Clock, path: tuple[str, ...]) -> None:
    market, seller = await a_market(session), await a_trader(session)

    with pytest.raises(InvalidValue) as refused:
        await an_auction(session, seller, market, clock=clock)

    assert refused.value.path == path
    assert await session.scalar(select(func.count()).select_from(Order)) == 0
