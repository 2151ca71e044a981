"""What owners in linked zones are told, in whichever order the zones were made: by what happened in all of them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.quantities import parse_micro
from domain.market.clearing.explanations import FillReason
from domain.market.clearing.tables import Clearing, Untraded
from tests.domain.market.clearing.batches import clear
from tests.domain.market.clearing.linking import placed, told, zones
from tests.factories.market import BUY, SELL, a_trader, an_order

FILLED, PARTLY, BEHIND = FillReason.FILLED, FillReason.PARTLY_FILLED, FillReason.BEHIND_IN_TIME
OUTPRICED, NOTHING, MINIMUM = FillReason.OUTPRICED, FillReason.NOTHING_TRADED, FillReason.MINIMUM_FILL


@pytest.mark.parametrize("made", ["XYW", "WYX", "YWX", "WXY", "XWY", "YXW"])
async def test_the_first_buyer_is_served_whichever_zone_was_made_first(session: AsyncSession, made: str) -> None:
    market = await zones(session, made, "XY", "XW")
    order_ids = await placed(
        session,
        market,
        ("W", BUY, "0.001", "0.10"),
        ("X", SELL, "0.001", "0"),
        ("Y", SELL, "0.001", "0"),
        ("Y", BUY, "0.002", "0.10"),
        ("W", BUY, "0.002", "0.10"),
    )

    await clear(session, market["W"])

    assert await told(session, order_ids) == [(1, FILLED), (1, FILLED), (1, FILLED), (1, PARTLY), (0, BEHIND)]


@pytest.mark.parametrize("made", ["XYW", "WYX"])
@pytest.mark.parametrize(
    ("first", "reason"),
    [("0.10", BEHIND), ("0.20", OUTPRICED)],
    ids=["an earlier order of its limit", "a better limit"],
)
async def test_an_order_without_a_trade_in_its_zone_is_told_who_came_before_it_elsewhere(
    session: AsyncSession, made: str, first: str, reason: FillReason
) -> None:
    market = await zones(session, made, "XY", "XW")
    order_ids = await placed(
        session,
        market,
        ("Y", BUY, "0.001", first),
        ("X", SELL, "0.001", "0"),
        ("W", BUY, "0.001", "0.10"),
    )

    await clear(session, market["W"])

    assert await told(session, order_ids) == [(1, FILLED), (1, FILLED), (0, reason)]


async def test_an_order_whose_limit_nobody_met_is_told_so(session: AsyncSession) -> None:
    """What the way costs puts the sell beyond its limit; one at the sum of both trades."""
    market = await zones(session, "XYW", "XY", "XW", cost="0.02")
    order_ids = await placed(
        session, market, ("W", BUY, "0.001", "0.1199"), ("X", SELL, "0.001", "0.10"), ("Y", BUY, "0.001", "0.12")
    )

    await clear(session, market["W"])

    assert await told(session, order_ids) == [(0, NOTHING), (1, FILLED), (1, FILLED)]


@pytest.mark.parametrize("made", ["XY", "YX"])
async def test_an_order_behind_one_of_another_zone_is_told_so_though_its_zone_trades(
    session: AsyncSession, made: str
) -> None:
    """X's better buy is served by its own zone; of the rest Y's buy, which came first, takes all."""
    market = await zones(session, made, "XY")
    order_ids = await placed(
        session,
        market,
        ("Y", BUY, "0.001", "0.10"),
        ("X", BUY, "0.001", "0.10"),
        ("X", BUY, "0.001", "0.20"),
        ("X", SELL, "0.002", "0"),
    )

    await clear(session, market["X"])

    assert await told(session, order_ids) == [(1, FILLED), (0, BEHIND), (1, FILLED), (2, FILLED)]


@pytest.mark.parametrize("made", ["AB", "BA"])
async def test_an_order_makes_room_for_the_minimum_of_a_later_one_in_a_linked_zone(
    session: AsyncSession, made: str
) -> None:
    market = await zones(session, made, "AB", kwh="0.004")
    local, buy = await placed(session, market, ("B", SELL, "0.002", "0.03"), ("B", BUY, "0.003", "0.06"))
    (whole,) = await placed(session, market, ("A", SELL, "0.003", "0.03"), minimum_fill_ukwh=3_000)

    await clear(session, market["A"])

    assert await told(session, [local, buy, whole]) == [(0, FillReason.MADE_ROOM), (3, FILLED), (3, FILLED)]


async def test_where_only_a_minimum_stands_between_both_sides_are_told_so(session: AsyncSession) -> None:
    market = await zones(session, "A")
    (buy,) = await placed(session, market, ("A", BUY, "0.002", "0.06"))
    (whole,) = await placed(session, market, ("A", SELL, "0.003", "0.03"), minimum_fill_ukwh=3_000)
    (low,) = await placed(session, market, ("A", BUY, "0.002", "0.02"))

    await clear(session, market["A"])

    expected = [(0, FillReason.OTHERS_MINIMUM), (0, MINIMUM), (0, NOTHING)]
    assert await told(session, [buy, whole, low]) == expected
    assert (await session.scalars(select(Clearing))).all() == []


async def test_an_order_that_its_price_leaves_out_is_not_told_of_its_minimum(session: AsyncSession) -> None:
    market = await zones(session, "A")
    buy, sell = await placed(session, market, ("A", BUY, "0.002", "0.06"), ("A", SELL, "0.002", "0.03"))
    (dear,) = await placed(session, market, ("A", SELL, "0.003", "0.07"), minimum_fill_ukwh=3_000)

    await clear(session, market["A"])

    assert await told(session, [buy, sell, dear]) == [(2, FILLED), (2, FILLED), (0, OUTPRICED)]


async def test_an_owner_that_only_meets_itself_is_told_so(session: AsyncSession) -> None:
    market, owner = await zones(session, "A"), await a_trader(session)
    rows = ((BUY, "0.3"), (SELL, "0.1"))
    both = [await an_order(session, owner, market["A"], side, "1", price) for side, price in rows]

    await clear(session, market["A"])

    assert await told(session, both) == [(0, FillReason.OWN_ORDER)] * 2


async def test_what_stays_as_it_was_is_kept_once(session: AsyncSession) -> None:
    market = await zones(session, "A")
    await placed(session, market, ("A", BUY, "0.002", "0.06"))
    await placed(session, market, ("A", SELL, "0.004", "0.03"), minimum_fill_ukwh=4_000)
    for _ in range(3):
        await clear(session, market["A"])
    (late,) = await placed(session, market, ("A", BUY, "0.001", "0.06"))

    await clear(session, market["A"])

    assert len((await session.scalars(select(Untraded))).all()) == 2
    assert await told(session, [late]) == [(0, FillReason.OTHERS_MINIMUM)]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("XYW"),
        st.sampled_from([BUY, SELL]),
        st.sampled_from(["0.001", "0.002", "0.003"]),
        st.sampled_from(["0.10", "0.20"]),
        st.booleans(),
    ),
    min_size=3,
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, made=st.permutations("XYW"))
async def test_what_is_told_is_true_of_all_linked_zones(
    session: AsyncSession, rows: list[tuple[str, Any, str, str, bool]], made: list[str]
) -> None:
    """X leads to Y and W without cost or limit; half of the orders are all or nothing."""
    async with session.begin_nested() as example:
        market = await zones(session, "".join(made), "XY", "XW", kwh="1")
        order_ids = []
        for zone, side, kwh, price, is_whole in rows:
            minimum = {"minimum_fill_ukwh": parse_micro(kwh)} if is_whole else {}
            order_ids += await placed(session, market, (zone, side, kwh, price), **minimum)

        await clear(session, market["X"])

        found = await told(session, order_ids)
        for place, (row, (filled, reason)) in enumerate(zip(rows, found, strict=True)):
            rivals = [
                (other[3] == row[3], number < place, at > 0 and other[4])
                for number, (other, (at, _)) in enumerate(zip(rows, found, strict=True))
                if other[1] is row[1] and at > 0 and number != place
            ]
            assert (reason is FILLED) == (filled == round(1_000 * float(row[2])))
            assert not (reason is NOTHING and any(_meets(row, other) for other in rows))
            if reason is BEHIND:
                assert any(is_equal and is_earlier for is_equal, is_earlier, _ in rivals)
            if reason in (MINIMUM, PARTLY):
                assert row[4] == (reason is MINIMUM)
            if reason is FillReason.MADE_ROOM:
                assert any(is_equal and not is_earlier for is_equal, is_earlier, _ in rivals)
            if reason is FillReason.OTHERS_MINIMUM:
                assert all(other[4] for other in rows if _meets(row, other) and found[rows.index(other)][0] == 0)
        await example.rollback()


def _meets(row: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two orders could trade, if only they were there."""
    sell, buy = (row, other) if row[1] is SELL else (other, row)
    is_linked = sell[0] in ("X", buy[0])
    return row[1] is not other[1] and is_linked and float(sell[3]) <= float(buy[3])


@pytest.mark.parametrize("made", ["XABY", "YBAX", "AXYB", "BYXA"])
@pytest.mark.parametrize("ways", [("XA", "AY", "XB", "BY"), ("BY", "XB", "AY", "XA")])
async def test_what_was_sold_before_leaves_the_same_ways_open_whatever_zones_are_called(
    session: AsyncSession, made: str, ways: tuple[str, ...]
) -> None:
    """1 Wh went from X to Y by way of A or B; the way past A is left to a buyer there, who came before one in B."""
    market = await zones(session, made, *ways, kwh="0.001")
    await placed(session, market, ("X", SELL, "0.001", "0"), ("Y", BUY, "0.001", "0.10"))
    await clear(session, market["X"])
    rows = (("A", BUY, "0.001", "0.10"), ("B", BUY, "0.001", "0.10"), ("X", SELL, "0.001", "0"))
    order_ids = await placed(session, market, *rows)

    await clear(session, market["X"])

    assert [filled for filled, _ in await told(session, order_ids)] == [1, 0, 1]
