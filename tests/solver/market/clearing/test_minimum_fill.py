"""Minimum fills hold, at prices that support them, for the most welfare that leaves room for them."""

from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings

from domain.kernel.errors import InvalidValue
from solver.market.cells.problem import ClearingProblem, Side, Wh
from solver.market.clearing import minimum_fill
from solver.market.clearing.clearing import clear
from solver.market.clearing.minimum_fill import settled
from solver.market.clearing.optimum import optimum, welfare_ticks_wh
from tests.solver.market.books import Row, book, links, orders, problems


def all_or_none(buys: list[Row], sells: list[Row], *whole: int) -> ClearingProblem:
    """One interval of one zone, in which the named orders take all of their energy or none."""
    problem = book(buys, sells)
    minimum_wh = np.zeros(len(problem.orders), np.int64)
    minimum_wh[list(whole)] = problem.orders.energy_wh[list(whole)]
    return replace(problem, orders=replace(problem.orders, minimum_fill_wh=minimum_wh))


def minima(problem: ClearingProblem) -> Wh:
    assert problem.orders.minimum_fill_wh is not None
    return problem.orders.minimum_fill_wh


def without(problem: ClearingProblem, dropped: list[int]) -> tuple[Wh, int]:
    """Fills and welfare when some orders are dropped and no minimum counts."""
    left_wh = problem.orders.energy_wh.copy()
    left_wh[dropped] = 0
    best = optimum(problem, left_wh)
    return best.fill_wh, sum(welfare_ticks_wh(problem, best))


def keeps_minima(problem: ClearingProblem, fill_wh: Wh) -> bool:
    return not ((fill_wh > 0) & (fill_wh < minima(problem))).any()


def best_of_all_sets(problem: ClearingProblem) -> int:
    """Largest welfare of all sets of orders to drop that leave every minimum kept."""
    candidates = np.flatnonzero(minima(problem)).tolist()
    sets = chain.from_iterable(combinations(candidates, count) for count in range(len(candidates) + 1))
    results = [without(problem, list(dropped)) for dropped in sets]
    return max(welfare for fill_wh, welfare in results if keeps_minima(problem, fill_wh))


@settings(deadline=None)
@given(problems(minima=0.4))
def test_orders_are_filled_to_their_minimum_or_not_at_all(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    assert keeps_minima(problem, clearing.fill_wh)
    assert not clearing.fill_wh[clearing.is_dropped].any()
    assert (minima(problem)[clearing.is_dropped] > 0).all()


@settings(deadline=None)
@given(problems(minima=0.4))
def test_the_rest_is_cleared_as_if_the_dropped_had_not_come(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    kept = np.flatnonzero(~clearing.is_dropped)
    alone = clear(replace(problem, orders=replace(problem.orders.at(kept), minimum_fill_wh=None)))
    if not ((alone.fill_wh > 0) & (alone.fill_wh < minima(problem)[kept])).any():  # Nobody has to make room.
        np.testing.assert_array_equal(clearing.fill_wh[kept], alone.fill_wh)
    np.testing.assert_array_equal(clearing.prices.price_ueur_per_kwh, alone.prices.price_ueur_per_kwh)
    assert clearing.welfare_of_interval == alone.welfare_of_interval


@settings(deadline=None)
@given(problems(minima=0.4))
def test_nobody_trades_beyond_its_limit(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    price = clearing.prices.price_ueur_per_kwh.ravel()[problem.cell]
    gain = (problem.orders.limit_price_ticks * 100 - price) * np.where(problem.orders.side == Side.BUY, 1, -1)
    assert (gain[clearing.fill_wh > 0] >= 0).all()


@settings(deadline=None)
@given(problems(minima=0.4))
def test_welfare_is_within_its_bound(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    assert all(
        0 <= found <= bound
        for found, bound in zip(clearing.welfare_of_interval, clearing.bound_of_interval, strict=True)
    )
    free = clear(replace(problem, orders=replace(problem.orders, minimum_fill_wh=None)))
    assert clearing.bound_ticks_wh == free.welfare_ticks_wh


@settings(max_examples=60, deadline=None)
@given(problems(minima=0.4))
def test_no_dropped_order_could_return(problem: ClearingProblem) -> None:
    dropped = np.flatnonzero(clear(problem).is_dropped).tolist()

    for order in dropped:
        fill_wh, _ = without(problem, [other for other in dropped if other != order])
        assert not keeps_minima(problem, fill_wh)


@settings(max_examples=60, deadline=None)
@given(problems(minima=0.4, zones_max=1, intervals_max=1, orders_max=16))
def test_in_one_zone_no_set_to_drop_is_better(problem: ClearingProblem) -> None:
    assert clear(problem).welfare_ticks_wh == best_of_all_sets(problem)


@settings(max_examples=60, deadline=None)
@given(problems(minima=0.3, zones_max=3, intervals_max=1, orders_max=16))
def test_between_zones_no_set_to_drop_is_better(problem: ClearingProblem) -> None:
    assert clear(problem).welfare_ticks_wh == best_of_all_sets(problem)


@settings(deadline=None)
@given(problems(minima=0.3, orders_max=40))
def test_searching_is_never_worse_than_dropping_the_last_order_reached(problem: ClearingProblem) -> None:
    searched = clear(problem).welfare_ticks_wh

    few, minimum_fill.FEW_MINIMA = minimum_fill.FEW_MINIMA, -1
    try:
        repaired = clear(problem)
    finally:
        minimum_fill.FEW_MINIMA = few
    assert keeps_minima(problem, repaired.fill_wh)
    assert repaired.welfare_ticks_wh <= searched


@settings(deadline=None)
@given(problems(owners=3, minima=0.3))
def test_minima_hold_where_owners_meet_themselves(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    owner, pairs = problem.orders.owner, clearing.pairings
    assert keeps_minima(problem, clearing.fill_wh)
    assert (owner[pairs.sell] != owner[pairs.buy]).all()


def test_the_last_order_reached_is_dropped_and_the_next_takes_its_place() -> None:
    problem = all_or_none([("B", 10, 9)], [("S", 6, 2), ("T", 8, 3), ("U", 4, 5)], 2)

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [10, 6, 0, 4]
    assert clearing.is_dropped.tolist() == [False, False, True, False]
    assert clearing.welfare_ticks_wh == 6 * 7 + 4 * 4
    assert clearing.bound_ticks_wh == 6 * 7 + 4 * 6


def test_a_large_order_may_displace_better_small_ones() -> None:
    """Dropping what is reached last would leave 3 x 5; the whole of 10 is worth more without the first sell."""
    problem = all_or_none([("B", 10, 9)], [("S", 3, 4), ("T", 10, 5)], 1, 2)

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [10, 0, 10]
    assert clearing.welfare_ticks_wh == 40


def test_a_part_is_enough_where_it_reaches_the_minimum() -> None:
    problem = book([("B", 10, 9)], [("S", 6, 2), ("T", 8, 3)])
    problem = replace(problem, orders=replace(problem.orders, minimum_fill_wh=np.array([0, 0, 4])))

    assert clear(problem).fill_wh.tolist() == [10, 6, 4]


def test_the_listing_does_not_matter() -> None:
    problem = all_or_none([("B", 10, 9), ("C", 4, 9)], [("S", 6, 2), ("T", 8, 3), ("U", 4, 3)], 1, 3, 4)
    listing = np.array([4, 2, 0, 3, 1])

    np.testing.assert_array_equal(
        clear(replace(problem, orders=problem.orders.at(listing))).fill_wh, clear(problem).fill_wh[listing]
    )


def test_intervals_are_settled_each_by_itself() -> None:
    first = all_or_none([("B", 10, 9)], [("S", 6, 2), ("T", 8, 3), ("U", 4, 5)], 2)
    orders = first.orders.at(np.array([0, 1, 2, 3, 0, 1, 2, 3]))
    twice = replace(first, intervals=2, orders=replace(orders, interval=np.repeat([0, 1], 4), sequence=np.arange(8)))

    assert clear(twice).fill_wh.tolist() == [10, 6, 0, 4] * 2


def test_no_minimum_costs_nothing() -> None:
    problem = all_or_none([("B", 10, 9)], [("S", 6, 2)])

    found = settled(problem, problem.orders.energy_wh)

    assert found.best.merits is not None  # The one merit order serves fills, pairs and prices.


@pytest.mark.parametrize("minimum_wh", [-1, 11])
def test_a_minimum_beyond_the_energy_is_refused(minimum_wh: int) -> None:
    problem = book([("B", 10, 9)], [])

    with pytest.raises(InvalidValue, match=r"orders\.minimum_fill_wh\[0\] is not in 0\.\.energy_wh"):
        replace(problem, orders=replace(problem.orders, minimum_fill_wh=np.array([minimum_wh])))


@pytest.mark.parametrize("seller_there_came_first", [True, False])
def test_between_zones_an_order_makes_room_for_the_minimum_of_another_at_its_price(
    seller_there_came_first: bool,
) -> None:
    """3 Wh @ 3, all or nothing, over a free link to where 2 @ 3 are sold and 3 @ 6 bought: 9, not 6."""
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=replace(
            orders([("B", 3, 6)], [("S", 3, 3), ("T", 2, 3)], zones=[1, 0, 1]),
            minimum_fill_wh=np.array([0, 3, 0]),
            sequence=np.array([0, 2, 1] if seller_there_came_first else [0, 1, 2]),
        ),
        links=links((0, 1, 4, 0)),
    )

    clearing = clear(problem)

    assert clearing.welfare_ticks_wh == 9
    assert clearing.fill_wh.tolist() == [3, 3, 0]
    assert not clearing.is_dropped.any()


def test_within_a_zone_no_minimum_passes_an_earlier_order_of_its_price() -> None:
    problem = all_or_none([("B", 3, 6)], [("T", 2, 3), ("S", 3, 3)], 2)

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [2, 2, 0]
    assert clearing.is_dropped.tolist() == [False, False, True]


def test_twelve_minima_are_exact_where_every_set_must_be_looked_at() -> None:
    """Even sells, all or nothing, against an odd buy: two of 24 and 26 leave least of it, and no three fit."""
    sells = [(f"S{number:02}", 20 + 2 * number, 300) for number in range(12)]
    problem = all_or_none([("B", 51, 900)], sells, *range(1, 13))

    clearing = clear(problem)

    assert clearing.welfare_ticks_wh == 50 * 600
    assert clearing.fill_wh[0] == 50
