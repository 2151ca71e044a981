"""Pairs: all that is filled is paired, within a cell first."""

import numpy as np
from hypothesis import given

from solver.market.cells.problem import ClearingProblem, Side
from solver.market.clearing.clearing import clear
from tests.solver.market.books import problems, sold_and_bought


@given(problems())
def test_pairs_add_up_to_fills(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    pairs, paired = clearing.pairings, np.zeros(len(problem.orders), np.int64)
    np.add.at(paired, pairs.sell, pairs.energy_wh)
    np.add.at(paired, pairs.buy, pairs.energy_wh)
    np.testing.assert_array_equal(paired, clearing.fill_wh)
    assert (pairs.energy_wh > 0).all()
    assert (problem.orders.side[pairs.sell] == Side.SELL).all()
    assert (problem.orders.side[pairs.buy] == Side.BUY).all()
    assert (problem.orders.interval[pairs.sell] == problem.orders.interval[pairs.buy]).all()


@given(problems())
def test_pairs_are_local_first(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    sold, bought = sold_and_bought(problem, clearing.fill_wh)
    pairs = clearing.pairings
    is_local = problem.cell[pairs.sell] == problem.cell[pairs.buy]
    local = np.zeros_like(sold)
    np.add.at(local, problem.cell[pairs.sell[is_local]], pairs.energy_wh[is_local])
    np.testing.assert_array_equal(local, np.minimum(sold, bought))
