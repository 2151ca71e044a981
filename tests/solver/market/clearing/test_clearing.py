"""What every clearing keeps: balance, limits, priority, largest welfare, prices that support it."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.errors import InvalidValue
from solver.market.cells.problem import ClearingProblem, Links, Orders, Side, UniformPrice
from solver.market.clearing.clearing import Clearing, clear, congestion_rent_neur
from tests.solver.market.books import book, links, orders, problems, sold_and_bought
from tests.solver.market.clearing.zones import two_zones
from tests.solver.market.flows import whole_flow
from tests.solver.market.linear_program import largest_welfare


def assert_same(first: Clearing, second: Clearing) -> None:
    assert pickle.dumps(first.pairings) == pickle.dumps(second.pairings)
    np.testing.assert_array_equal(first.fill_wh, second.fill_wh)
    np.testing.assert_array_equal(first.flow_wh, second.flow_wh)
    np.testing.assert_array_equal(first.prices.price_ueur_per_kwh, second.prices.price_ueur_per_kwh)


@given(problems())
def test_welfare_is_the_largest_possible(problem: ClearingProblem) -> None:
    total = float(problem.orders.energy_wh.sum())
    assert clear(problem).welfare_ticks_wh == pytest.approx(largest_welfare(problem), rel=1e-9, abs=1e-9 * total)


@given(problems(zones_max=8, orders_max=120))
def test_leaving_out_what_cannot_move_keeps_the_optimum_to_the_integer(problem: ClearingProblem) -> None:
    assert clear(problem).welfare_ticks_wh == whole_flow.largest_welfare(problem)


@given(problems())
def test_welfare_adds_up_from_fills_and_flows(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    sign = np.where(problem.orders.side == Side.BUY, 1, -1)
    gained = (problem.orders.limit_price_ticks * sign).astype(object) @ clearing.fill_wh.astype(object)
    spent = clearing.flow_wh.astype(object) @ problem.links.cost_ticks.astype(object)
    assert clearing.welfare_ticks_wh == gained - np.sum(spent)


@given(problems())
def test_fills_balance_with_flows_within_every_limit(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    sold, bought = sold_and_bought(problem, clearing.fill_wh)
    net = np.zeros((problem.intervals, problem.zones), np.int64)
    for link in range(len(problem.links)):
        net[:, problem.links.from_zone[link]] += clearing.flow_wh[:, link]
        net[:, problem.links.to_zone[link]] -= clearing.flow_wh[:, link]
    np.testing.assert_array_equal(sold - bought, net.ravel())
    assert ((clearing.flow_wh >= 0) & (clearing.flow_wh <= problem.capacity_wh)).all()
    assert ((clearing.fill_wh >= 0) & (clearing.fill_wh <= problem.orders.energy_wh)).all()


@given(problems(), st.sampled_from(UniformPrice))
def test_prices_support_the_outcome(problem: ClearingProblem, pricing: UniformPrice) -> None:
    problem = replace(problem, pricing=pricing)

    clearing = clear(problem)

    prices, cell, links_ = clearing.prices, problem.cell, problem.links
    price, is_priced = prices.price_ueur_per_kwh, prices.is_priced.ravel()[cell]
    limit = problem.orders.limit_price_ticks * 100
    gain = (limit - price.ravel()[cell]) * np.where(problem.orders.side == Side.BUY, 1, -1)
    is_filled, is_full = clearing.fill_wh > 0, clearing.fill_wh == problem.orders.energy_wh
    assert prices.is_priced[clearing.is_traded].all()
    assert (prices.lowest_ticks <= prices.highest_ticks)[prices.is_priced].all()
    assert (gain[is_filled] >= 0).all()
    assert (gain[is_priced & ~is_full] <= 0).all()
    rent = price[:, links_.to_zone] - price[:, links_.from_zone] - 100 * links_.cost_ticks
    is_open = prices.is_priced[:, links_.to_zone] & prices.is_priced[:, links_.from_zone]
    assert (rent[clearing.flow_wh > 0] >= 0).all()
    assert (rent[is_open & (clearing.flow_wh < problem.capacity_wh)] <= 0).all()


@given(problems())
def test_buyers_pay_sellers_transfers_and_rent(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    price = clearing.prices.price_ueur_per_kwh.ravel()[problem.cell].astype(object)
    sign = np.where(problem.orders.side == Side.BUY, 1, -1)
    paid_beyond_received = np.sum(price * sign * clearing.fill_wh.astype(object))
    costs = np.sum(clearing.flow_wh.astype(object) * problem.links.cost_ticks.astype(object)) * 100
    assert congestion_rent_neur(problem, clearing) == paid_beyond_received - costs
    assert congestion_rent_neur(problem, clearing) >= 0


@given(problems())
def test_price_and_time_decide_who_is_filled(problem: ClearingProblem) -> None:
    fill_wh = clear(problem).fill_wh

    orders_ = problem.orders
    for cell in np.unique(problem.cell):
        for side in Side:
            rivals = np.flatnonzero((problem.cell == cell) & (orders_.side == side))
            direction = -1 if side is Side.BUY else 1
            queue = rivals[np.lexsort((orders_.sequence[rivals], direction * orders_.limit_price_ticks[rivals]))]
            ahead = np.cumsum(orders_.energy_wh[queue]) - orders_.energy_wh[queue]
            expected = np.clip(fill_wh[rivals].sum() - ahead, 0, orders_.energy_wh[queue])
            np.testing.assert_array_equal(fill_wh[queue], expected)


@given(problems(), st.randoms(use_true_random=False))
def test_the_listing_of_orders_does_not_matter(problem: ClearingProblem, random: Random) -> None:
    listing = np.array(random.sample(range(len(problem.orders)), len(problem.orders)), np.int64)

    clearing = clear(problem)
    shuffled = clear(replace(problem, orders=problem.orders.at(listing)))

    np.testing.assert_array_equal(shuffled.fill_wh, clearing.fill_wh[listing])
    np.testing.assert_array_equal(shuffled.flow_wh, clearing.flow_wh)
    np.testing.assert_array_equal(listing[shuffled.pairings.sell], clearing.pairings.sell)
    np.testing.assert_array_equal(listing[shuffled.pairings.buy], clearing.pairings.buy)


@given(problems(owners=3))
def test_the_same_problem_has_the_same_answer(problem: ClearingProblem) -> None:
    assert_same(clear(problem), clear(problem))


@given(problems())
def test_no_energy_goes_in_circles(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    for interval in range(problem.intervals):
        used = [
            (int(problem.links.from_zone[link]), int(problem.links.to_zone[link]))
            for link in np.flatnonzero(clearing.flow_wh[interval])
        ]
        while sources := {a for a, _ in used} - {b for _, b in used}:
            used = [(a, b) for a, b in used if a not in sources]
        assert used == []


def test_intervals_do_not_touch_each_other() -> None:
    random = np.random.default_rng(7)
    count, intervals = 400, 8
    problem = ClearingProblem(
        intervals=intervals,
        zones=3,
        orders=Orders(
            interval=random.integers(0, intervals, count),
            zone=random.integers(0, 3, count),
            side=random.integers(0, 2, count, np.int8),
            limit_price_ticks=random.integers(0, 50, count),
            energy_wh=random.integers(1, 90, count),
            sequence=np.arange(count),
            owner=np.arange(count),
        ),
        links=links((0, 1, 40, 2), (1, 2, 60, 0), (2, 0, 10, 5)),
    )

    together = clear(problem)

    for interval in range(intervals):
        members = np.flatnonzero(problem.orders.interval == interval)
        alone = clear(
            replace(
                problem,
                intervals=1,
                orders=replace(problem.orders.at(members), interval=np.zeros(len(members), np.int64)),
            )
        )
        np.testing.assert_array_equal(together.fill_wh[members], alone.fill_wh)
        np.testing.assert_array_equal(together.prices.price_ueur_per_kwh[interval], alone.prices.price_ueur_per_kwh[0])


def test_equal_prices_are_served_in_order_of_arrival() -> None:
    problem = book([("B", 5, 9), ("C", 5, 9), ("D", 5, 9)], [("S", 7, 3)])
    later_first = replace(problem, orders=replace(problem.orders, sequence=np.array([9, 8, 7, 1])))

    assert clear(problem).fill_wh.tolist() == [5, 2, 0, 7]
    assert clear(later_first).fill_wh.tolist() == [0, 2, 5, 7]


def test_equal_limits_trade() -> None:
    clearing = clear(book([("B", 4, 2)], [("S", 3, 2)]))

    assert clearing.fill_wh.tolist() == [3, 3]
    assert clearing.welfare_ticks_wh == 0
    assert clearing.prices.price_ueur_per_kwh.tolist() == [[200]]


def test_negative_prices_trade() -> None:
    clearing = clear(book([("B", 4, -30)], [("S", 9, -50)]))

    assert clearing.fill_wh.tolist() == [4, 4]
    assert clearing.prices.price_ueur_per_kwh.tolist() == [[-5_000]]
    assert clearing.welfare_ticks_wh == 4 * 20


def test_half_a_tick_is_exact() -> None:
    clearing = clear(book([("B", 1, 4)], [("S", 1, 1)]))

    assert clearing.prices.price_ueur_per_kwh.tolist() == [[250]]


def test_no_orders() -> None:
    clearing = clear(ClearingProblem(intervals=2, zones=2, orders=orders([], []), links=links((0, 1, 5, 0))))

    assert clearing.flow_wh.tolist() == [[0], [0]]
    assert len(clearing.fill_wh) == 0
    assert len(clearing.pairings.sell) == 0
    assert not clearing.prices.is_priced.any()
    assert not clearing.is_traded.any()


def test_no_intervals_and_no_zones() -> None:
    clearing = clear(ClearingProblem(intervals=0, zones=0, orders=orders([], [])))

    assert clearing.prices.price_ueur_per_kwh.shape == (0, 0)
    assert clearing.welfare_ticks_wh == 0


@pytest.mark.parametrize(("buys", "sells"), [([("B", 3, 5)], []), ([], [("S", 3, 5)])])
def test_a_one_sided_book_trades_nothing_and_has_one_bound(
    buys: list[tuple[str, int, int]], sells: list[tuple[str, int, int]]
) -> None:
    clearing = clear(book(buys, sells))

    assert clearing.fill_wh.tolist() == [0]
    assert not clearing.is_traded.any()
    assert clearing.prices.has_lowest.tolist() == [[bool(buys)]]
    assert clearing.prices.has_highest.tolist() == [[bool(sells)]]
    assert not clearing.prices.is_priced.any()


def test_an_untraded_book_indicates_the_middle_of_its_spread() -> None:
    clearing = clear(book([("B", 3, 10)], [("S", 3, 30)]))

    assert clearing.fill_wh.tolist() == [0, 0]
    assert not clearing.is_traded.any()
    assert clearing.prices.price_ueur_per_kwh.tolist() == [[2_000]]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_quantities_and_prices_at_their_limits_stay_exact(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 12
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=Orders(
            interval=np.zeros(count, np.int64),
            zone=random.integers(0, 2, count),
            side=random.integers(0, 2, count, np.int8),
            limit_price_ticks=random.choice([-(2**24), -1, 0, 1, 2**24], count),
            energy_wh=random.integers(2**48, 2**52 // count, count),
            sequence=random.choice(2**62, count, replace=False),
            owner=random.integers(-(2**63), 2**63 - 1, count),
        ),
        links=Links(
            from_zone=np.array([0, 1]),
            to_zone=np.array([1, 0]),
            capacity_wh=np.array([2**63 - 1, 2**51]),
            cost_ticks=np.array([0, 2**24]),
        ),
    )

    clearing = clear(problem)

    assert clearing.welfare_ticks_wh == pytest.approx(largest_welfare(problem), rel=1e-9, abs=1e-9 * 2**76)
    assert congestion_rent_neur(problem, clearing) >= 0


def test_clears_in_another_process(processes: None) -> None:
    problem = two_zones(capacity_wh=4, cost_ticks=3)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(clear, problem).result(timeout=60)

    assert_same(elsewhere, clear(problem))


def test_a_repeated_sequence_is_refused_wherever_it_stands() -> None:
    problem = book([("B", 3, 5)], [("S", 3, 5), ("T", 3, 5)])
    repeated = replace(problem, orders=replace(problem.orders, sequence=np.array([4, 9, 4])))

    with pytest.raises(InvalidValue, match=r"orders\.sequence\[2\] repeats 4"):
        clear(repeated)
