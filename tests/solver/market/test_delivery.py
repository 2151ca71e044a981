"""Delivery of trades up to what was metered: laws that hold for any hour, and cases worked out by hand."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solver.market.delivery import QUARTERS, Deliveries, DeliveryProblem, deliver

Row = tuple[int, int, int, int, int, bool]  # seller, buyer, first quarter, quarters, energy, may wait

SPANS = [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (2, 2), (0, 4)]
USERS = 4


def a_problem(
    trades: list[Row], injected: list[int], withdrawn: list[int], unknown: tuple[set[int], set[int]] = (set(), set())
) -> DeliveryProblem:
    """Trades between users whose energies are given per user and quarter; `unknown` cells have no readings."""
    cells = len(injected)
    table = np.array([row[:5] for row in trades], np.int64).reshape(-1, 5).T.copy()
    known = [np.array([cell not in hidden for cell in range(cells)]) for hidden in unknown]
    return DeliveryProblem(
        injected_ukwh=np.array(injected, np.int64) * known[0],
        withdrawn_ukwh=np.array(withdrawn, np.int64) * known[1],
        is_injected_known=known[0],
        is_withdrawn_known=known[1],
        seller=table[0],
        buyer=table[1],
        first_quarter=table[2],
        quarters=table[3],
        energy_ukwh=table[4],
        may_wait=np.array([row[5] for row in trades], np.bool_),
    )


@st.composite
def problems(draw: st.DrawFn, may_wait: bool = True) -> DeliveryProblem:
    """Hours of a few users whose trades overlap in every way, with ties, zeros and missing readings."""
    energy = st.one_of(st.integers(0, 5), st.integers(0, 10**13))
    cells = USERS * QUARTERS
    pairs = [(seller, buyer) for seller in range(USERS) for buyer in range(USERS) if seller != buyer]
    trade = st.tuples(st.sampled_from(pairs), st.sampled_from(SPANS), st.integers(1, 10**13) | st.integers(1, 5))
    waiting = st.booleans() if may_wait else st.just(False)
    rows = [(*pair, *span, amount, wait) for (pair, span, amount), wait in draw(st.lists(st.tuples(trade, waiting)))]
    hidden = st.sets(st.integers(0, cells - 1)) if may_wait else st.just(set())
    injected = draw(st.lists(energy, min_size=cells, max_size=cells))
    withdrawn = draw(st.lists(energy, min_size=cells, max_size=cells))
    return a_problem(rows, injected, withdrawn, (draw(hidden), draw(hidden)))


def energy_of_users(problem: DeliveryProblem, found: Deliveries, side: str) -> list[int]:
    """What was delivered by user over the whole hour."""
    rows = getattr(problem, side)
    return [sum(found.delivered_ukwh[rows == user].tolist()) for user in range(USERS)]


@given(problems())
def test_nobody_sells_more_than_injected_nor_buys_more_than_withdrawn(problem: DeliveryProblem) -> None:
    found = deliver(problem)

    for side, metered in (("seller", problem.injected_ukwh), ("buyer", problem.withdrawn_ukwh)):
        for user, delivered in enumerate(energy_of_users(problem, found, side)):
            assert delivered <= sum(metered[user * QUARTERS : (user + 1) * QUARTERS].tolist())


@given(problems())
def test_in_each_quarter_what_is_traded_there_alone_is_within_what_was_metered(problem: DeliveryProblem) -> None:
    found = deliver(problem)

    alone = problem.quarters == 1
    for rows, metered in ((problem.seller, problem.injected_ukwh), (problem.buyer, problem.withdrawn_ukwh)):
        cells = rows * QUARTERS + problem.first_quarter
        for cell in np.unique(cells[alone]).tolist():
            assert sum(found.delivered_ukwh[alone & (cells == cell)].tolist()) <= metered[cell]


@given(problems())
def test_what_is_delivered_and_what_each_side_is_short_of_make_up_the_trade(problem: DeliveryProblem) -> None:
    found = deliver(problem)

    whole = found.delivered_ukwh + found.seller_short_ukwh + found.buyer_short_ukwh
    np.testing.assert_array_equal(whole, np.where(found.is_decided, problem.energy_ukwh, 0))
    assert (
        min(part.min(initial=0) for part in (found.delivered_ukwh, found.seller_short_ukwh, found.buyer_short_ukwh))
        >= 0
    )


@given(problems())
def test_a_trade_that_is_decided_stays_as_it_is_when_the_missing_readings_come(problem: DeliveryProblem) -> None:
    early = deliver(replace(problem, may_wait=np.ones_like(problem.may_wait)))
    arrived = replace(
        problem,
        injected_ukwh=np.where(problem.is_injected_known, problem.injected_ukwh, 3),
        withdrawn_ukwh=np.where(problem.is_withdrawn_known, problem.withdrawn_ukwh, 3),
        is_injected_known=np.ones_like(problem.is_injected_known),
        is_withdrawn_known=np.ones_like(problem.is_withdrawn_known),
    )

    late = deliver(arrived)

    assert late.is_decided.all()
    for name in ("delivered_ukwh", "seller_short_ukwh", "buyer_short_ukwh"):
        decided = early.is_decided
        np.testing.assert_array_equal(getattr(late, name)[decided], getattr(early, name)[decided])


@given(problems(may_wait=False), st.integers(0, 20))
def test_later_trades_take_nothing_from_earlier_ones(problem: DeliveryProblem, count: int) -> None:
    names = ("seller", "buyer", "first_quarter", "quarters", "energy_ukwh", "may_wait")
    first = replace(problem, **{name: getattr(problem, name)[:count].copy() for name in names})

    found, alone = deliver(problem), deliver(first)

    np.testing.assert_array_equal(found.delivered_ukwh[:count], alone.delivered_ukwh)


@given(problems(may_wait=False))
def test_it_is_what_a_plain_walk_through_the_trades_gives(problem: DeliveryProblem) -> None:
    injected, withdrawn, expected = problem.injected_ukwh.tolist(), problem.withdrawn_ukwh.tolist(), []
    for row in range(len(problem.energy_ukwh)):
        cells = range(int(problem.first_quarter[row]), int(problem.first_quarter[row] + problem.quarters[row]))
        sold = [int(problem.seller[row]) * QUARTERS + cell for cell in cells]
        bought = [int(problem.buyer[row]) * QUARTERS + cell for cell in cells]
        given = min(int(problem.energy_ukwh[row]), sum(injected[c] for c in sold), sum(withdrawn[c] for c in bought))
        expected.append(given)
        for rest, places in ((injected, sold), (withdrawn, bought)):
            left = given
            for place in places:
                taken = min(left, rest[place])
                rest[place] -= taken
                left -= taken

    found = deliver(problem)

    assert found.delivered_ukwh.tolist() == expected


def test_the_seller_is_short_of_what_it_had_not_and_the_buyer_of_the_rest() -> None:
    problem = a_problem([(0, 1, 0, 1, 10, False)], [7, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 4, 0, 0, 0])

    found = deliver(problem)

    assert (found.delivered_ukwh[0], found.seller_short_ukwh[0], found.buyer_short_ukwh[0]) == (4, 3, 3)


def test_what_follows_a_waiting_trade_on_either_side_waits_too_and_nothing_else() -> None:
    trades = [(0, 1, 0, 1, 1, True), (0, 2, 0, 1, 1, True), (3, 2, 0, 1, 1, True), (3, 1, 1, 1, 1, True)]
    problem = a_problem(trades, [9] * 16, [9] * 16, ({0}, set()))

    found = deliver(problem)

    assert found.is_decided.tolist() == [False, False, False, True]


def test_a_trade_of_an_hour_takes_from_the_earliest_quarters() -> None:
    trades = [(0, 1, 0, 4, 5, False), (0, 1, 0, 1, 9, False), (0, 1, 3, 1, 9, False)]
    problem = a_problem(trades, [3, 3, 3, 3, 0, 0, 0, 0], [0, 0, 0, 0, 2, 2, 2, 2])

    found = deliver(problem)

    assert found.delivered_ukwh.tolist() == [5, 0, 2]
