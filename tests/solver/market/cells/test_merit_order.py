"""The packed sort key and its fallback lay orders out alike."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solver.market.cells import sort_keys
from solver.market.cells.merit_order import UNBOUNDED_TICKS, MeritOrder, first_place, merit_order, prices_around
from solver.market.cells.problem import ClearingProblem
from tests.solver.market.books import book, problems


def by_lexsort(problem: ClearingProblem) -> MeritOrder:
    bits, sort_keys.KEY_BITS = sort_keys.KEY_BITS, 0
    try:
        return merit_order(problem)
    finally:
        sort_keys.KEY_BITS = bits


@given(problems(), st.booleans())
def test_packed_and_lexical_sort_agree(problem: ClearingProblem, arrives_in_order: bool) -> None:
    if arrives_in_order:
        problem = replace(problem, orders=replace(problem.orders, sequence=np.arange(len(problem.orders))))

    packed, lexical = merit_order(problem), by_lexsort(problem)

    np.testing.assert_array_equal(packed.order, lexical.order)
    np.testing.assert_array_equal(packed.cell_start, lexical.cell_start)


def test_keys_use_all_64_bits_and_no_more() -> None:
    """24 bits of cells, 25 of prices, 1 of side: 14 are left, for 16,384 orders; the next one falls back."""
    for count in (16_384, 16_385):
        random = np.random.default_rng(count)
        orders = replace(
            book([("B", 1, 1)] * count, []).orders,
            interval=random.integers(0, 2**12, count),
            zone=random.integers(0, 2**12, count),
            limit_price_ticks=np.append([-(2**24), 2**24 - 1], random.integers(-5, 5, count - 2)),
            side=random.integers(0, 2, count, np.int8),
        )
        problem = ClearingProblem(intervals=2**12, zones=2**12, orders=orders)

        np.testing.assert_array_equal(merit_order(problem).order, by_lexsort(problem).order)


def test_a_cell_is_laid_by_price_then_sells_then_arrival() -> None:
    problem = book([("B", 1, 5), ("C", 1, 5), ("D", 1, 7)], [("S", 1, 5), ("T", 1, 5), ("U", 1, 2)])

    assert merit_order(problem).order.tolist() == [5, 3, 4, 1, 0, 2]


def test_prices_around_a_position() -> None:
    merits = merit_order(book([("B", 4, 9)], [("S", 3, 2), ("T", 5, 6)]))

    around = [tuple(int(side[0]) for side in prices_around(merits, np.array([at]))) for at in (0, 1, 3, 8, 12)]

    assert around == [(-UNBOUNDED_TICKS, 2), (2, 2), (2, 6), (6, 9), (9, UNBOUNDED_TICKS)]


@given(problems(), st.integers(-45, 45))
def test_first_place_is_where_prices_reach_a_value(problem: ClearingProblem, ticks: int) -> None:
    merits = merit_order(problem)
    cells = np.arange(problem.intervals * problem.zones)

    places = first_place(merits, cells, np.full(len(cells), ticks))

    for cell in cells:
        start, end = merits.cell_start[cell : cell + 2]
        assert places[cell] == start + np.sum(merits.limit_price_ticks[start:end] < ticks)
