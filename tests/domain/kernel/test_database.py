"""Conditions on any number of values, which are one argument however many they are."""

import asyncio
from datetime import datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.kernel.database import Ids, among, among_rows, by_turns, new_id, new_ids
from domain.market.orders import orders
from domain.market.orders.tables import OrderInterval
from tests.factories.market import BUY, a_market, a_trader, a_zone, an_order

MANY = 100_000
MS_NS = 1_000_000
START_NS = 1_800_000_000_000 * MS_NS


@pytest.mark.parametrize("count", [0, 1, MANY])
async def test_a_value_is_found_among_any_number(session: AsyncSession, count: int) -> None:
    wanted, other = await a_zone(session), await a_zone(session)
    given = [wanted, *(new_id() for _ in range(count - 1))] if count else []

    found = await session.scalars(select(MarketZone.id).where(among(MarketZone.id, given)))

    assert list(found) == [wanted] * bool(count)
    assert other not in given


@pytest.mark.parametrize("count", [0, 1, MANY])
async def test_a_row_is_found_among_any_number(session: AsyncSession, count: int) -> None:
    order_id = await an_order(session, await a_trader(session), await a_market(session), BUY)
    (start,) = await session.scalars(select(OrderInterval.delivery_start).where(OrderInterval.order_id == order_id))
    rows: list[tuple[UUID, datetime]] = [(order_id, start)] if count else []
    rows += [(order_id, start + timedelta(days=number)) for number in range(1, count)]
    columns = OrderInterval.order_id, OrderInterval.delivery_start

    found = await session.execute(select(*columns).where(among_rows(columns, rows)))

    assert [tuple(row) for row in found] == rows[:1]


async def test_any_number_of_orders_is_locked(session: AsyncSession) -> None:
    order_id = await an_order(session, await a_trader(session), await a_market(session), BUY)

    assert await orders.lock(session, [order_id, *(new_id() for _ in range(MANY))]) == [order_id]


async def test_many_rows_leave_others_their_turns() -> None:
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(another())
    rows = [row async for row in by_turns(range(5_000), at_once=500)]
    other.cancel()

    assert rows == list(range(5_000))
    assert turns >= 9


@given(st.lists(st.integers(-499 * MS_NS, 499 * MS_NS), min_size=2, max_size=20))
def test_ids_grow_and_begin_with_the_time_they_were_told(steps_ns: list[int]) -> None:
    """Also where that goes back a little, as an estimate does that has become better."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ids, "last", 0)
        latest_ns, made = 0, []
        for step_ns in steps_ns:
            patch.setattr(Ids, "at_ns", lambda step_ns=step_ns: START_NS + step_ns)
            latest_ns = max(latest_ns, START_NS + step_ns)
            made += [new_id(), *new_ids(3)]
            assert 0 <= (made[-1].int >> 80) - latest_ns // MS_NS <= 1

    assert made == sorted(made)
    assert {(id.version, id.variant) for id in made} == {(7, RFC_4122)}


def test_ids_follow_a_clock_that_was_put_right() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ids, "at_ns", lambda: START_NS)
        new_id()
        patch.setattr(Ids, "at_ns", lambda: START_NS - 600_000 * MS_NS)

        assert new_id().int >> 80 == START_NS // MS_NS - 600_000
