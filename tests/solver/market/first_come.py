"""Who trades at equal prices, by a sequence of linear programs (OR-Tools GLOP): an answer to compare with.

First the largest welfare; then, among all outcomes that reach it, what each order trades is in turn made as large as
can be, and kept: both sides by price and then arrival, across all zones, and all intervals that shared orders tie.
"""

from dataclasses import dataclass

import numpy as np
from ortools.linear_solver import pywraplp

from solver.market.cells.problem import ClearingProblem, Side

SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class Best:
    """The largest welfare, ticks x Wh, and what each order trades, Wh; of a shared order each entry all of it."""

    welfare: int
    traded_wh: list[int]


def best(problem: ClearingProblem, *, sells_first: bool = True) -> Best:
    """The best outcome of a problem of small whole numbers, without minimum fills and whoever the owners are."""
    program = pywraplp.Solver.CreateSolver("GLOP")
    orders = problem.orders
    fills = [program.NumVar(0, energy, "") for energy in orders.energy_wh.tolist()]
    queue = _queue(problem, sells_first=sells_first)
    for entries in queue:
        program.Add(program.Sum([fills[entry] for entry in entries]) <= int(orders.energy_wh[entries].max()))
    gain = balanced_gain(problem, program, fills)
    program.Maximize(gain)
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    welfare = round(program.Objective().Value())
    program.Add(gain >= welfare - SLACK)
    traded_wh = [0] * len(orders)
    for entries in queue:
        traded = program.Sum([fills[entry] for entry in entries])
        program.Maximize(traded)
        assert program.Solve() == pywraplp.Solver.OPTIMAL
        most = round(program.Objective().Value())
        assert abs(program.Objective().Value() - most) < 1e-5, "fills of whole numbers are whole"
        program.Add(traded >= most - SLACK)
        for entry in entries:
            traded_wh[entry] = most
    return Best(welfare, traded_wh)


def balanced_gain(
    problem: ClearingProblem, program: pywraplp.Solver, fills: list[pywraplp.Variable]
) -> pywraplp.LinearExpr:
    """Welfare of fills and of flows between zones, which balance in each cell."""
    orders, links = problem.orders, problem.links
    cells = [program.Constraint(0, 0) for _ in range(problem.intervals * problem.zones)]
    terms = []
    for order, fill in enumerate(fills):
        sign = 1 if orders.side[order] == Side.BUY else -1
        cells[problem.cell[order]].SetCoefficient(fill, -sign)
        terms.append(sign * int(orders.limit_price_ticks[order]) * fill)
    for interval in range(problem.intervals):
        for link in range(len(links)):
            flow = program.NumVar(0, int(problem.capacity_wh[interval, link]), "")
            cells[interval * problem.zones + links.from_zone[link]].SetCoefficient(flow, -1)
            cells[interval * problem.zones + links.to_zone[link]].SetCoefficient(flow, 1)
            terms.append(-int(links.cost_ticks[link]) * flow)
    return program.Sum(terms)


def _queue(problem: ClearingProblem, *, sells_first: bool) -> list[list[int]]:
    """Entries of each order, both sides by price, then arrival; which side comes first does not matter."""
    orders = problem.orders
    shared = np.full(len(orders), -1) if orders.shared is None else orders.shared
    is_buy = orders.side == Side.BUY
    badness = np.where(is_buy, -orders.limit_price_ticks, orders.limit_price_ticks)
    found: dict[tuple[str, int], list[int]] = {}
    for order in np.lexsort((orders.sequence, badness, is_buy == sells_first)).tolist():
        key = ("alone", order) if shared[order] < 0 else ("shared", int(shared[order]))
        found.setdefault(key, []).append(order)
    return list(found.values())
