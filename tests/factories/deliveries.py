"""Trades whose delivery is over, their parties' meters and readings, and looks at their hours, for tests."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.delivery.bridge import deliver_hour
from domain.communities.tables import Community
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.quantities import parse_micro
from domain.ledger import accounts, transfers
from domain.ledger.tables import Account, AccountKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from domain.market.clearing.tables import Clearing, Trade
from domain.market.delivery import hours, recording, settlement
from domain.market.orders.tables import Order
from domain.market.places import charges
from domain.market.places.tables import MarketCharge, OrderSide
from domain.metering.tables import Direction, MeteringPoint
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.identity import a_user
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

# A quarter-hour at noon of a winter day in Luxembourg, long over.
DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 11, tzinfo=UTC)
NOON_PLACE = 48
AFTER = NOON + timedelta(days=1)
QUARTER = timedelta(minutes=15)


@dataclass
class Party:
    """A user with a meter; `days` are what was read of it, kept to be corrected."""

    user_id: UUID
    point: MeteringPoint
    days: dict[Direction, Any] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        return Viewer(user_id=self.user_id)


async def a_party(session: AsyncSession, community: Community | None = None, **point: Any) -> Party:
    """A user behind a metering point of both directions, by default in a community of its own."""
    user = await a_user(session)
    membership = await a_membership(session, community or await a_community(session), await a_member(session, user))
    made = await a_metering_point(session, **point)
    await a_participation(session, membership, made)
    return Party(user.id, made)


async def metered(session: AsyncSession, party: Party, direction: Direction, *kwh: str) -> None:
    """Readings of the day; the kWh of quarters from noon on are given, all else is zero. Again: a correction."""
    day = values(0)
    day[NOON_PLACE : NOON_PLACE + len(kwh)] = [parse_micro(each) for each in kwh]
    await recorded(session, a_reading_day(party.point.id, direction=direction, day=DAY, values_ukwh=np.array(day)))


async def injected(session: AsyncSession, party: Party, *kwh: str) -> None:
    """What a party injected in the quarters from noon on."""
    await metered(session, party, Direction.INJECTED, *kwh)


async def withdrew(session: AsyncSession, party: Party, *kwh: str) -> None:
    """What a party withdrew in the quarters from noon on."""
    await metered(session, party, Direction.WITHDRAWN, *kwh)


async def a_charge(session: AsyncSession, market_id: UUID, kind: Any, payer: OrderSide, eur: str, **given: Any) -> None:
    """A rate per kWh that holds since long ago."""
    facts = {"valid_from": datetime(2025, 1, 1, tzinfo=UTC), "vat_ppm": 0} | given
    rate = parse_micro(eur)
    session.add(MarketCharge(market_id=market_id, kind=kind, payer=payer, rate_ueur_per_kwh=rate, **facts))
    await session.flush()


async def a_trade(
    session: AsyncSession,
    market_id: UUID,
    seller: Party,
    buyer: Party,
    kwh: str = "1",
    price: str = "0.2",
    *,
    start: datetime = NOON,
    minutes: int = 15,
    batch: int = 0,
    seller_market_id: UUID | None = None,
    seller_price: str | None = None,
    **overrides: Any,
) -> Trade:
    """A trade with its orders, clearing and escrow, as a clearing would have left them."""
    facts: dict[str, Any] = {"source": None} | overrides
    seller_market_id, seller_price = seller_market_id or market_id, seller_price or price
    end = start + timedelta(minutes=minutes)
    energy, paid, got = parse_micro(kwh), parse_micro(price), parse_micro(seller_price)
    terms = await charges.terms(session, {market_id, seller_market_id})
    buy = _order(market_id, buyer.user_id, OrderSide.BUY, energy, paid, start, end)
    sell = _order(seller_market_id, seller.user_id, OrderSide.SELL, energy, got, start, end)
    clearing = Clearing(
        market_id=market_id,
        delivery_start=start,
        batch=batch or _next_batch(),
        price_ueur_per_kwh=paid,
        price_low_ueur_per_kwh=paid,
        price_high_ueur_per_kwh=paid,
        bought_ukwh=energy,
        sold_ukwh=energy,
        welfare_ueur=0,
        orders_count=2,
        input_digest="test",
    )
    session.add_all([buy, sell, clearing])
    await session.flush()
    trade = Trade(
        id=new_id(),
        market_id=market_id,
        seller_market_id=seller_market_id,
        clearing_id=clearing.id,
        delivery_start=start,
        delivery_end=end,
        energy_ukwh=energy,
        price_ueur_per_kwh=paid,
        seller_price_ueur_per_kwh=got,
        buy_order_id=buy.id,
        sell_order_id=sell.id,
        buyer_id=buyer.user_id,
        seller_id=seller.user_id,
        buyer_escrow_ueur=charges.escrow_ueur(OrderSide.BUY, energy, paid, terms[market_id], start),
        seller_escrow_ueur=charges.escrow_ueur(OrderSide.SELL, energy, got, terms[seller_market_id], start),
        **facts,
    )
    session.add(trade)
    await session.flush()
    await _escrow(session, trade)
    return trade


_batches = iter(range(1, 10**9))


def _next_batch() -> int:
    return next(_batches)


def _order(
    market_id: UUID, owner_id: UUID, side: OrderSide, energy: int, price: int, start: datetime, end: datetime
) -> Order:
    return Order(
        market_id=market_id,
        owner_id=owner_id,
        side=side,
        status="FILLED",
        energy_ukwh=energy,
        filled_ukwh=energy,
        limit_price_ueur_per_kwh=price,
        delivery_start=start,
        delivery_end=end,
        closed_at=start,
    )


async def _escrow(session: AsyncSession, trade: Trade) -> None:
    """Money from outside straight into escrow."""
    amount = trade.buyer_escrow_ueur + trade.seller_escrow_ueur
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    held = await accounts.hold(session, {trade.buyer_id, trade.seller_id}, {trade.market_id})
    buyer, seller = held.wallets[trade.buyer_id], held.wallets[trade.seller_id]
    parts = {buyer.held_id: trade.buyer_escrow_ueur, seller.held_id: trade.seller_escrow_ueur}
    paid_in = NewTransfer(TransferKind.DEPOSIT, f"test:{trade.id}", {external_id: -amount, **parts})
    taken = {account: -part for account, part in parts.items()}
    escrow = NewTransfer(
        TransferKind.ESCROW,
        f"trade:{trade.id}",
        {**taken, held.of_scope[trade.market_id, AccountKind.ESCROW]: amount},
        ("Trade", trade.id),
        TransferPhase.PENDING,
    )
    for transfer in (paid_in, escrow):
        await transfers.post(session, [transfer], actor="test", now=trade.delivery_start)


async def look(session: AsyncSession, *, now: datetime = AFTER, hour: datetime = NOON) -> int:
    """Look at an hour as the job does; gives how many new versions were recorded."""
    read = await hours.read(session, hour)
    outcome = deliver_hour(read, now)
    ready = recording.ready(list(settlement.settle(read, outcome.delivered)), {}, actor="test", now=now)
    held = await recording.hold(session, read, ready)
    await recording.record(session, read, held)
    await hours.finish(session, read, outcome.waiting, is_complete=outcome.is_complete, now=now)
    return len(held.settled)


async def balances(session: AsyncSession, party: Party) -> tuple[int, int, int]:
    """Available, held and owed, micro-EUR."""
    wallet = (await accounts.hold(session, [party.user_id])).wallets[party.user_id]
    return wallet.available_ueur, wallet.held_ueur, wallet.receivable_ueur


async def of_market(session: AsyncSession, market_id: UUID, *kinds: AccountKind) -> list[int]:
    """Balances of a market's (or community's) accounts, micro-EUR."""
    query = select(Account.kind, Account.balance_ueur).where(Account.scope_id == market_id)
    found = {row.kind: row.balance_ueur for row in await session.execute(query)}
    return [found[kind] for kind in kinds]
