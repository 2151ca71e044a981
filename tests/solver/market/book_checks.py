"""What must hold of each random book: the best outcome there is, and the same fills however the book is listed.

`python -m tests.bench.market_books` looks at thousands of them.
"""

import numpy as np

from solver.market.cells.problem import ClearingProblem
from solver.market.clearing.clearing import Clearing, clear
from tests.solver.market import first_come, minimum_sets, random_books


def multi_zone(seed: int) -> None:
    """Linked zones: the most welfare, and of it by price and arrival to each order the most that it can get."""
    _check_first_come(random_books.multi_zone(seed), seed)


def flexible(seed: int) -> None:
    """The same with orders that may trade in any of several intervals."""
    _check_first_come(random_books.flexible(seed), seed)


def minimum_fill(seed: int) -> None:
    """Minimum fills in linked zones: they hold, with the most welfare that they leave room for."""
    problem = random_books.with_minima(seed)
    clearing = _listed_any_way(problem, seed)
    assert clearing.welfare_ticks_wh == minimum_sets.largest_welfare(problem), seed
    assert problem.orders.minimum_fill_wh is not None
    assert not ((clearing.fill_wh > 0) & (clearing.fill_wh < problem.orders.minimum_fill_wh)).any(), seed


CHECKS = {"multi-zone": multi_zone, "minimum fill": minimum_fill, "flexible": flexible}


def _check_first_come(problem: ClearingProblem, seed: int) -> None:
    clearing = _listed_any_way(problem, seed)
    best = first_come.best(problem, sells_first=seed % 2 == 0)
    assert clearing.welfare_ticks_wh == best.welfare, seed
    shared, traded_wh = problem.orders.shared, clearing.fill_wh.copy()
    if shared is not None:
        for number in np.unique(shared[shared >= 0]):
            traded_wh[shared == number] = clearing.fill_wh[shared == number].sum()
    assert traded_wh.tolist() == best.traded_wh, seed


def _listed_any_way(problem: ClearingProblem, seed: int) -> Clearing:
    """Its clearing, which gives the same fills and prices when zones, links and orders are listed otherwise."""
    clearing = clear(problem)
    other, listing, zone = random_books.permuted(problem, seed)
    again = clear(other)
    np.testing.assert_array_equal(again.fill_wh, clearing.fill_wh[listing], err_msg=str(seed))
    np.testing.assert_array_equal(again.is_dropped, clearing.is_dropped[listing], err_msg=str(seed))
    prices = clearing.prices.price_ueur_per_kwh
    np.testing.assert_array_equal(again.prices.price_ueur_per_kwh[:, zone], prices, err_msg=str(seed))
    return clearing
