"""The most welfare that minimum fills leave room for, by trying each set of orders to drop: an answer to compare with.

A set fits if some outcome is as good as the best one of the orders that it leaves, whatever their minima, and fills
each of these that has a minimum so far, after all who are ahead of it in its zone by price and time. (An order that is
filled nothing might as well be dropped.) Both are linear programs, written order by order (OR-Tools GLOP).
"""

from itertools import combinations

import numpy as np
from ortools.linear_solver import pywraplp

from solver.market.cells.problem import ClearingProblem, Indices, Side
from tests.solver.market.first_come import SLACK, balanced_gain


def largest_welfare(problem: ClearingProblem) -> int:
    """Of a problem of small whole numbers, one interval, nothing shared, whoever the owners are; ticks x Wh."""
    assert problem.orders.minimum_fill_wh is not None
    chosen = np.flatnonzero(problem.orders.minimum_fill_wh).tolist()
    # Welfare falls with what is dropped: whatever contains a hopeless set is one.
    best, hopeless = -1, list[frozenset[int]]()
    for count in range(len(chosen) + 1):
        for dropped in map(frozenset, combinations(chosen, count)):
            if any(each <= dropped for each in hopeless):
                continue
            welfare = _welfare(problem, dropped)
            if welfare <= best:
                hopeless.append(dropped)
            elif _fits(problem, dropped, welfare):
                best = welfare
                hopeless.append(dropped)
    return best


def _welfare(problem: ClearingProblem, dropped: frozenset[int]) -> int:
    program = pywraplp.Solver.CreateSolver("GLOP")
    program.Maximize(balanced_gain(problem, program, _fills(problem, program, dropped)))
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    welfare: int = round(program.Objective().Value())
    return welfare


def _fits(problem: ClearingProblem, dropped: frozenset[int], welfare: int) -> bool:
    """Whether the minima of all orders that are left fit together."""
    orders = problem.orders
    assert orders.minimum_fill_wh is not None
    program = pywraplp.Solver.CreateSolver("GLOP")
    fills = _fills(problem, program, dropped)
    for order in np.flatnonzero(orders.minimum_fill_wh).tolist():
        if order not in dropped:
            fills[order].SetLb(max(fills[order].lb(), float(orders.minimum_fill_wh[order])))
            for ahead in _ahead(problem, order).tolist():
                if ahead not in dropped:
                    fills[ahead].SetLb(float(orders.energy_wh[ahead]))
    program.Add(balanced_gain(problem, program, fills) >= welfare - SLACK)
    status = program.Solve()
    assert status in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.INFEASIBLE)
    return bool(status == pywraplp.Solver.OPTIMAL)


def _fills(problem: ClearingProblem, program: pywraplp.Solver, dropped: frozenset[int]) -> list[pywraplp.Variable]:
    energy_wh = problem.orders.energy_wh.tolist()
    return [program.NumVar(0, 0 if order in dropped else most, "") for order, most in enumerate(energy_wh)]


def _ahead(problem: ClearingProblem, order: int) -> Indices:
    """Orders of the same zone and side with a better price, or the same and earlier."""
    orders = problem.orders
    lead = orders.limit_price_ticks - orders.limit_price_ticks[order]
    lead = lead if orders.side[order] == Side.BUY else -lead
    is_ahead = (lead > 0) | ((lead == 0) & (orders.sequence < orders.sequence[order]))
    is_rival = (problem.cell == problem.cell[order]) & (orders.side == orders.side[order])
    ahead: Indices = np.flatnonzero(is_rival & is_ahead)
    return ahead
