"""Which metered energy trades took: what was delivered, no more than was metered, as the delivery itself took it."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.kernel.intervals import Period
from domain.market.delivery import traded
from domain.market.delivery.traded import DeliveriesWaiting, Traded, Trading
from domain.metering.tables import Direction
from solver.market.delivery import QUARTERS, DeliveryProblem, deliver
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.deliveries import (
    DAY,
    NOON,
    NOON_PLACE,
    QUARTER,
    Party,
    a_party,
    a_trade,
    injected,
    look,
    withdrew,
)
from tests.factories.market import a_market
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

HOUR = Period(NOON, NOON + timedelta(hours=1))
IN, OUT = Direction.WITHDRAWN, Direction.INJECTED
USERS = [UUID(int=n) for n in range(1, 5)]
SPANS = [(first, length) for length in (1, 2, 4) for first in range(0, QUARTERS, length)]

energies = st.integers(0, 30)
metered = st.lists(st.lists(energies, min_size=QUARTERS, max_size=QUARTERS), min_size=len(USERS), max_size=len(USERS))
trades = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(SPANS), st.integers(1, 40)).filter(
        lambda trade: trade[0] != trade[1]
    ),
    max_size=12,
)


Made = tuple[int, int, tuple[int, int], int]  # Seller, buyer, first quarter and how many, energy.


def delivered(injected_ukwh: list[list[int]], withdrawn_ukwh: list[list[int]], made: list[Made]) -> list[int]:
    """What the delivery of an hour gives of trades."""
    known = np.ones(len(USERS) * QUARTERS, np.bool_)
    columns = np.array([(s, b, first, count, e) for s, b, (first, count), e in made], np.int64).reshape(-1, 5)
    seller, buyer, first_quarter, quarters, energy = np.ascontiguousarray(columns.T)
    problem = DeliveryProblem(
        injected_ukwh=np.array(injected_ukwh, np.int64).ravel(),
        withdrawn_ukwh=np.array(withdrawn_ukwh, np.int64).ravel(),
        is_injected_known=known,
        is_withdrawn_known=known,
        seller=seller,
        buyer=buyer,
        first_quarter=first_quarter,
        quarters=quarters,
        energy_ukwh=energy,
        may_wait=np.zeros(len(made), np.bool_),
    )
    return [int(each) for each in deliver(problem).delivered_ukwh]


@given(metered, metered, trades, st.integers(1, 3))
def test_points_gave_what_was_delivered_and_not_more_than_they_metered(
    injected_ukwh: list[list[int]],
    withdrawn_ukwh: list[list[int]],
    made: list[Made],
    points: int,
) -> None:
    given_out = delivered(injected_ukwh, withdrawn_ukwh, made)
    sides = [
        Traded(USERS[user], direction, Period(NOON + first * QUARTER, NOON + (first + count) * QUARTER), energy)
        for (seller, buyer, (first, count), _), energy in zip(made, given_out, strict=True)
        for user, direction in ((seller, OUT), (buyer, IN))
    ]
    by_place = {
        (USERS[user], direction, NOON + quarter * QUARTER): split(user, energy, points)
        for direction, side in ((OUT, injected_ukwh), (IN, withdrawn_ukwh))
        for user, quarters in enumerate(side)
        for quarter, energy in enumerate(quarters)
    }

    found = traded.by_point(Trading(tuple(sides), by_place))

    of_user: dict[tuple[int, Direction], int] = defaultdict(int)
    for (point, direction), quarters in found.items():
        user = point.int // 100
        for at, energy in quarters.items():
            assert 0 < energy <= by_place[USERS[user], direction, at][point]
            of_user[user, direction] += energy
    for user in range(len(USERS)):
        sold = sum(energy for (seller, *_), energy in zip(made, given_out, strict=True) if seller == user)
        bought = sum(energy for (_, buyer, *_), energy in zip(made, given_out, strict=True) if buyer == user)
        assert (of_user[user, OUT], of_user[user, IN]) == (sold, bought)


def split(user: int, energy: int, points: int) -> dict[UUID, int]:
    """A user's energy over its points, unevenly."""
    parts = {UUID(int=user * 100 + n): energy // (n + 2) for n in range(1, points)}
    return parts | {UUID(int=user * 100): energy - sum(parts.values())}


async def the_trade(session: AsyncSession, kwh: str = "1", bought: str = "4") -> tuple[Party, Party]:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await injected(session, seller, "1", "3")
    await withdrew(session, buyer, bought)
    await a_trade(session, market, seller, buyer, kwh, minutes=30)
    return seller, buyer


async def test_a_trade_takes_the_earliest_quarters_and_each_point_in_proportion(session: AsyncSession) -> None:
    seller, buyer = await the_trade(session, "3", bought="2.000001")
    second = await a_metering_point(session, directions=[OUT.value])
    member = await a_member(session, await session.get_one(User, seller.user_id))
    await a_participation(session, await a_membership(session, await a_community(session), member), second)
    day = values(0)
    day[NOON_PLACE + 1] = 3_000_000
    await recorded(session, a_reading_day(second.id, direction=OUT, day=DAY, values_ukwh=np.array(day)))
    await look(session)

    trading = await traded.read(session, [seller.point.id, buyer.point.id], HOUR)
    found = traded.by_point(trading)

    later = sorted([seller.point.id, second.id])  # Half of 1.000001 kWh each; the odd micro-kWh to the lower id.
    assert found == {
        (seller.point.id, OUT): {NOON: 1_000_000, NOON + QUARTER: 500_000 + (later[0] == seller.point.id)},
        (second.id, OUT): {NOON + QUARTER: 500_000 + (later[0] == second.id)},
        (buyer.point.id, IN): {NOON: 2_000_001},
    }


async def test_what_is_not_delivered_yet_is_not_known(session: AsyncSession) -> None:
    seller, _ = await the_trade(session)

    with pytest.raises(DeliveriesWaiting) as waiting:
        await traded.read(session, [seller.point.id], HOUR)

    assert waiting.value.count == 1


async def test_what_a_correction_is_on_its_way_for_is_not_known(session: AsyncSession) -> None:
    seller, _ = await the_trade(session)
    await look(session)
    await injected(session, seller, "0.4")
    trading = await traded.read(session, [seller.point.id], HOUR)

    with pytest.raises(DeliveriesWaiting):
        traded.by_point(trading)

    await look(session)
    assert traded.by_point(await traded.read(session, [seller.point.id], HOUR)) == {
        (seller.point.id, OUT): {NOON: 400_000}
    }


async def test_who_did_not_trade_has_nothing_taken(session: AsyncSession) -> None:
    await the_trade(session)
    other = await a_party(session)

    assert traded.by_point(await traded.read(session, [other.point.id], HOUR)) == {}
