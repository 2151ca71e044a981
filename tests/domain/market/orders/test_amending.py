"""Amending an order: another takes its place, its priority, and what is refused."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import InvalidValue
from domain.ledger.transfers import InsufficientFunds
from domain.market.orders import amending
from domain.market.orders.amending import Change
from domain.market.orders.tables import Order, OrderStatus
from tests.domain.market.orders.money import wallet
from tests.factories.market import BUY, a_market, a_trader, an_order, now


async def test_amending_gives_another_order_in_its_place(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "1")
    order_id = await an_order(session, trader, market, BUY, "1", "0.2")

    change = Change(limit_price_ueur_per_kwh=300_000)
    amended = await amending.amend(session, trader, "a key", order_id, change, now=now())
    again = await amending.amend(session, trader, "a key", order_id, change, now=now())

    old, new = [await session.get_one(Order, each, populate_existing=True) for each in (order_id, amended)]
    assert again == amended
    assert (old.status, old.held_ueur) == (OrderStatus.CANCELLED, 0)
    assert (new.status, new.held_ueur) == (OrderStatus.OPEN, 300_000)
    assert (new.replaces_id, new.energy_ukwh, new.limit_price_ueur_per_kwh) == (order_id, 1_000_000, 300_000)
    assert await wallet(session, trader) == (700_000, 300_000)


async def test_time_priority_is_kept_only_where_energy_alone_is_reduced(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session)
    first = await an_order(session, trader, market, BUY, "1", "0.2")
    second = await an_order(session, trader, market, BUY, "1", "0.2")
    third = await an_order(session, trader, market, BUY, "1", "0.2")

    less = await amending.amend(session, trader, "less", first, Change(energy_ukwh=400_000), now=now())
    more = await amending.amend(session, trader, "more", second, Change(energy_ukwh=1_400_000), now=now())

    kept, own, new = [await session.get_one(Order, each, populate_existing=True) for each in (less, third, more)]
    assert kept.sequence < own.sequence < new.sequence


async def test_amending_what_money_does_not_cover_is_refused(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session, "1")
    order_id = await an_order(session, trader, market, BUY, "1", "0.2")

    with pytest.raises(InsufficientFunds) as error:
        async with session.begin_nested():
            await amending.amend(session, trader, "k", order_id, Change(energy_ukwh=6_000_000), now=now())

    assert (error.value.required_ueur, error.value.available_ueur) == (1_200_000, 1_000_000)
    assert (await session.get_one(Order, order_id, populate_existing=True)).status is OrderStatus.OPEN
    assert await wallet(session, trader) == (800_000, 200_000)


async def test_an_amendment_that_changes_nothing_is_refused(session: AsyncSession) -> None:
    market, trader = await a_market(session), await a_trader(session)
    order_id = await an_order(session, trader, market, BUY)

    with pytest.raises(InvalidValue):
        await amending.amend(session, trader, "k", order_id, Change(), now=now())
