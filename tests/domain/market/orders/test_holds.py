"""Placing reserves money, capacity and room; trading moves money into escrow; what is not needed comes back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid.tables import LimitKind, ZoneHalt, ZoneLimit
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError
from domain.kernel.quantities import parse_micro
from domain.ledger.tables import Account, AccountKind, Entry, Transfer, TransferKind
from domain.ledger.transfers import InsufficientFunds
from domain.market.clearing import verification
from domain.market.clearing.tables import Trade
from domain.market.orders import orders, placing, validation
from domain.market.orders.placements import Request
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places import charges, markets
from domain.market.places.tables import ChargeKind, Market, OrderSide
from tests.domain.market.clearing.batches import clear
from tests.domain.market.orders.money import wallet
from tests.factories.communities import a_community, a_member, a_membership, a_participation, an_asset
from tests.factories.market import (
    ADMIN,
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_proposal,
    a_trader,
    an_order,
    first_delivery,
    now,
)

LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


async def of_market(session: AsyncSession, market_id: UUID, kind: AccountKind) -> int:
    query = select(Account.balance_ueur).where(Account.scope_id == market_id, Account.kind == kind)
    return (await session.execute(query)).scalar_one()


async def a_charge(session: AsyncSession, market_id: UUID, payer: OrderSide, rate: str, vat: str = "0") -> None:
    await markets.set_charge(
        session,
        ADMIN,
        market_id,
        kind=ChargeKind.NETWORK,
        payer=payer,
        rate_ueur_per_kwh=parse_micro(rate),
        vat_ppm=parse_micro(vat),
        valid_from=LONG_AGO,
        now=now(),
    )


async def refused(session: AsyncSession, owner: Viewer, proposal: Any) -> DomainError:
    """The refusal of an order, which changes nothing."""
    before = await wallet(session, owner), await session.scalar(select(func.count()).select_from(Order))
    with pytest.raises(DomainError) as error:
        await placing.place(session, owner, str(new_id()), proposal, now=now())
    assert before == (await wallet(session, owner), await session.scalar(select(func.count()).select_from(Order)))
    return error.value


async def test_a_buy_order_holds_what_it_may_cost_in_all_its_intervals(session: AsyncSession) -> None:
    market, trader = await a_market(session, energy_vat_ppm=80_000), await a_trader(session, "10")
    await a_charge(session, market, BUY, "0.05", "0.2")

    order_id = await an_order(session, trader, market, BUY, "2", "0.3", delivery=a_delivery(0, 3))

    order = await session.get_one(Order, order_id)
    assert order.exposure_ueur_per_kwh == 384_000  # 0.3 x 1.08 + 0.05 x 1.2
    assert order.held_ueur == 3 * 768_000
    assert await wallet(session, trader) == (10_000_000 - 2_304_000, 2_304_000)
    kinds = await session.scalars(select(Transfer.kind).where(Transfer.subject_id == order_id))
    assert list(kinds) == [TransferKind.HOLD]


async def test_a_sell_order_holds_what_its_seller_may_owe(session: AsyncSession) -> None:
    free, strict = await a_market(session), await a_market(session, penalty_ueur_per_kwh=20_000)
    trader = await a_trader(session, "1")

    given_away = await an_order(session, trader, free, SELL, "1", "0.1")
    paid_for = await an_order(session, trader, free, SELL, "1", "-0.07")
    penalised = await an_order(session, trader, strict, SELL, "1", "0.1")

    held = [(await session.get_one(Order, each)).held_ueur for each in (given_away, paid_for, penalised)]
    assert held == [0, 70_000, 20_000]
    assert await wallet(session, trader) == (910_000, 90_000)


async def test_an_order_that_money_does_not_cover_is_refused_with_both_amounts(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "0.199999")

    error = await refused(session, trader, a_proposal(market, BUY, "1", "0.2"))

    assert isinstance(error, InsufficientFunds)
    assert (error.required_ueur, error.available_ueur) == (200_000, 199_999)


async def test_orders_of_one_transaction_share_what_is_available(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "0.5")
    requests = [Request(trader, f"{n}", a_proposal(market, BUY, "1", "0.2")) for n in range(3)]

    outcomes = await placing.place_many(session, requests, now=now())

    assert [type(outcome) for outcome in outcomes] == [UUID, UUID, InsufficientFunds]
    assert await wallet(session, trader) == (100_000, 400_000)


async def test_a_cancelled_order_gives_back_what_was_held(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "1")
    order_id = await an_order(session, trader, market, BUY, "1", "0.2")

    await orders.cancel(session, trader, order_id, now=now())

    assert await wallet(session, trader) == (1_000_000, 0)


async def test_what_has_expired_of_an_order_is_no_longer_held(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "1")
    await an_order(session, trader, market, BUY, "1", "0.2", delivery=a_delivery(0, 2))

    await orders.expire_due(session, [market], now=first_delivery())
    half_way = await wallet(session, trader)
    await orders.expire_due(session, [market], now=first_delivery() + QUARTER)

    assert half_way == (800_000, 200_000)
    assert await wallet(session, trader) == (1_000_000, 0)


async def test_an_order_ends_when_its_time_runs_out(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "1")
    until = now() + timedelta(minutes=5)
    order_id = await an_order(session, trader, market, BUY, "1", "0.2", valid_until=until)

    early = await orders.expire_due(session, [market], now=until - timedelta(seconds=1))
    late = await orders.expire_due(session, [market], now=until)

    order = await session.get_one(Order, order_id, populate_existing=True)
    assert (early, late, order.status, order.closed_at) == ([], [order_id], OrderStatus.EXPIRED, until)
    assert await wallet(session, trader) == (1_000_000, 0)


async def test_a_trade_goes_into_escrow_at_its_price_and_the_rest_comes_back(session: AsyncSession) -> None:
    market = await a_market(session, penalty_ueur_per_kwh=50_000)
    seller, buyer = await a_trader(session, "1"), await a_trader(session, "1")
    await an_order(session, seller, market, SELL, "1", "0.1")
    buy = await an_order(session, buyer, market, BUY, "2", "0.3")

    assert await clear(session, market)

    trade = (await session.scalars(select(Trade))).one()
    assert (trade.energy_ukwh, trade.price_ueur_per_kwh) == (1_000_000, 300_000)
    assert (trade.buyer_escrow_ueur, trade.seller_escrow_ueur) == (300_000, 50_000)
    assert await wallet(session, buyer) == (400_000, 300_000)
    assert await wallet(session, seller) == (950_000, 0)
    assert await of_market(session, market, AccountKind.ESCROW) == 350_000
    assert (await session.get_one(Order, buy, populate_existing=True)).held_ueur == 300_000


async def test_a_fill_better_than_the_limit_frees_the_difference(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_trader(session, "1"), await a_trader(session, "1")
    await an_order(session, seller, market, SELL, "2", "0.1")
    await an_order(session, buyer, market, BUY, "1", "0.3")

    await clear(session, market)

    assert await wallet(session, buyer) == (900_000, 0)
    assert await of_market(session, market, AccountKind.ESCROW) == 100_000


@pytest.mark.parametrize("seed", range(6))
async def test_no_money_is_lost_whatever_is_placed_cancelled_cleared_and_expired(
    session: AsyncSession, seed: int
) -> None:
    chance = Random(seed)
    market = await a_market(session, penalty_ueur_per_kwh=chance.choice([0, 30_000]), energy_vat_ppm=81_000)
    await a_charge(session, market, BUY, "0.0123", "0.17")
    await a_charge(session, market, SELL, "0.0031")
    traders = [await a_trader(session, "3") for _ in range(5)]
    placed: list[tuple[Viewer, UUID]] = []
    for _ in range(4):
        for _ in range(12):
            trader = chance.choice(traders)
            proposal = a_proposal(
                market,
                chance.choice([BUY, SELL]),
                f"{chance.randrange(1, 900) / 1000:.3f}",
                f"{chance.randrange(-300, 3000) / 10000:.4f}",
                delivery=a_delivery(chance.randrange(3), chance.randrange(1, 4)),
            )
            outcome = (await placing.place_many(session, [Request(trader, str(new_id()), proposal)], now=now()))[0]
            if isinstance(outcome, UUID):
                placed.append((trader, outcome))
        await clear(session, market)
        for trader, order_id in chance.sample(placed, 3):
            order = await session.get_one(Order, order_id, populate_existing=True)
            if order.closed_at is None:
                await orders.cancel(session, trader, order_id, now=now())
    await orders.expire_due(session, [market], now=first_delivery() + QUARTER)

    assert (await session.scalar(select(func.count()).select_from(Trade)) or 0) > 3
    await _check_money(session, market, traders, "3")
    assert [breach async for breach in verification.breaches(session)] == []


async def _check_money(session: AsyncSession, market: UUID, traders: Sequence[Viewer], funds: str) -> None:
    held = await session.scalar(select(func.coalesce(func.sum(Order.held_ueur), 0)))
    escrow = await session.scalar(select(func.sum(Trade.buyer_escrow_ueur + Trade.seller_escrow_ueur)))
    rounding = await of_market(session, market, AccountKind.ROUNDING)
    wallets = [await wallet(session, trader) for trader in traders]
    assert sum(held for _, held in wallets) == held
    assert await of_market(session, market, AccountKind.ESCROW) == escrow
    assert sum(map(sum, wallets)) + escrow + rounding == parse_micro(funds) * len(traders)
    assert -50 <= rounding <= 0
    entries = select(Entry.account_id, func.sum(Entry.amount_ueur)).group_by(Entry.account_id)
    for account_id, total in await session.execute(entries):
        assert (await session.get_one(Account, account_id, populate_existing=True)).balance_ueur == total


async def test_a_halted_zone_takes_no_orders(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session)
    zone_id = (await session.get_one(Market, market)).zone_id
    until = now() + timedelta(hours=1)
    session.add(ZoneHalt(zone_id=zone_id, reason="A line is down.", started_at=now(), expires_at=until))
    await session.flush()

    error = await refused(session, trader, a_proposal(market))

    assert isinstance(error, validation.MarketHalted)
    assert (error.reason, error.until) == ("A line is down.", until)


@pytest.mark.parametrize(
    ("kind", "used_ukwh"),
    [
        (LimitKind.PER_ORDER, 0),
        (LimitKind.PER_MEMBER_AND_DAY, 1_500_000),
        (LimitKind.PER_ZONE_AND_INTERVAL, 1_500_000),
    ],
)
async def test_a_limit_of_the_zone_bounds_orders(session: AsyncSession, kind: LimitKind, used_ukwh: int) -> None:
    market, trader = await a_market(session), await a_trader(session)
    zone_id = (await session.get_one(Market, market)).zone_id
    session.add(ZoneLimit(zone_id=zone_id, kind=kind, energy_ukwh=2_000_000, reason="A small transformer."))
    await session.flush()
    await an_order(session, trader, market, BUY, "1.5")

    kwh = "2.001" if kind is LimitKind.PER_ORDER else "0.501"
    error = await refused(session, trader, a_proposal(market, BUY, kwh))

    assert isinstance(error, validation.LimitExceeded)
    assert (error.kind, error.limit_ukwh, error.used_ukwh) == (kind, 2_000_000, used_ukwh)
    await an_order(session, trader, market, BUY, "0.5")
    assert await session.scalar(select(func.count()).select_from(Order)) == 2


async def a_seller_with_plants(session: AsyncSession, *power_w: int, **participating: Any) -> Viewer:
    """A trader who is a member of a community, with plants behind a metering point."""
    trader = await a_trader(session)
    member = await a_member(session, user_id=trader.user_id)
    membership = await a_membership(session, await a_community(session), member)
    participation = await a_participation(session, membership, **participating)
    for power in power_w:
        await an_asset(session, participation, power_w=power)
    return trader


async def test_sellers_offer_what_their_plants_can_inject(session: AsyncSession) -> None:
    market = await a_market(session, is_capacity_checked=True)
    seller, other = await a_seller_with_plants(session, 3_000, 5_000), await a_trader(session)
    await an_order(session, seller, market, SELL, "1.5", delivery=a_delivery(1, 2))

    error = await refused(session, seller, a_proposal(market, SELL, "0.501", delivery=a_delivery(0, 2)))
    nothing = await refused(session, other, a_proposal(market, SELL, "0.001"))

    assert isinstance(error, validation.CapacityExceeded)
    assert (error.capacity_ukwh, error.committed_ukwh) == (2_000_000, 1_500_000)
    assert isinstance(nothing, validation.CapacityExceeded)
    assert nothing.capacity_ukwh == 0
    await an_order(session, seller, market, SELL, "0.5", delivery=a_delivery(0, 2))
    await an_order(session, seller, market, SELL, "2", delivery=a_delivery(3))
    assert await session.scalar(select(func.count()).select_from(Order)) == 3


async def test_plants_count_on_the_days_on_which_they_take_part(session: AsyncSession) -> None:
    market = await a_market(session, is_capacity_checked=True)
    tomorrow = first_delivery().date() + timedelta(days=1)
    staying = await a_seller_with_plants(session, 4_000)
    leaving = await a_seller_with_plants(session, 4_000, valid_to=tomorrow)
    deliveries = [(leaving, a_delivery()), (leaving, a_delivery(96)), (leaving, a_delivery(0, 97))]
    requests = [
        Request(seller, f"{n}", a_proposal(market, SELL, "0.1", delivery=delivery))
        for n, (seller, delivery) in enumerate([*deliveries, (staying, a_delivery(0, 97))])
    ]

    outcomes = await placing.place_many(session, requests, now=now())

    refused = validation.CapacityExceeded
    assert [type(outcome) for outcome in outcomes] == [UUID, refused, refused, UUID]


async def test_orders_of_one_transaction_share_a_limit(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session)
    zone_id = (await session.get_one(Market, market)).zone_id
    limit = ZoneLimit(
        zone_id=zone_id, kind=LimitKind.PER_ZONE_AND_INTERVAL, energy_ukwh=2_000_000, reason="A small transformer."
    )
    session.add(limit)
    await session.flush()
    requests = [Request(trader, f"{n}", a_proposal(market, BUY, "1.2")) for n in range(2)]

    outcomes = await placing.place_many(session, requests, now=now())

    assert [type(outcome) for outcome in outcomes] == [UUID, validation.LimitExceeded]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_escrow_covers_every_delivery_up_to_rounding(side: OrderSide) -> None:
    terms = charges.MoneyTerms(
        20_000,
        81_000,
        (charges.Charge(ChargeKind.FEE, side, 4_321, 170_000, LONG_AGO),),
    )
    chance = Random(7)
    for _ in range(500):
        energy, price = chance.randrange(1, 10_000) * 1_000, chance.randrange(-2_000, 4_000) * 100
        delivered = chance.randrange(energy // 1_000 + 1) * 1_000
        escrow = charges.escrow_ueur(side, energy, price, terms, LONG_AGO)

        cost = charges.cost_ueur(charges.lines(side, delivered, price, terms, LONG_AGO))
        short = charges.penalty_lines(side, energy - delivered, terms)
        penalty = charges.cost_ueur(line for line in short if line.side is side)

        assert cost + penalty <= escrow + 5
