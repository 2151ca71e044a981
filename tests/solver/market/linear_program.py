"""The market as a linear program (OR-Tools GLOP), written order by order: an answer to compare with.

Energies and prices are scaled to about 1, for GLOP's tolerances; results are exact to about 12 digits.
"""

import numpy as np
from ortools.linear_solver import pywraplp

from solver.market.cells.problem import ClearingProblem, Side


def _scales(problem: ClearingProblem) -> tuple[float, float]:
    """Largest energy and largest price or cost."""
    prices = np.append(abs(problem.orders.limit_price_ticks), problem.links.cost_ticks)
    return float(problem.orders.energy_wh.max(initial=1)), float(prices.max(initial=1))


def largest_welfare(problem: ClearingProblem) -> float:
    """Largest value to buyers minus cost to sellers and transfers, ticks x Wh; owners not told apart."""
    program = pywraplp.Solver.CreateSolver("GLOP")
    orders, links = problem.orders, problem.links
    energy_scale, price_scale = _scales(problem)
    total_wh = float(orders.energy_wh.sum())  # No link needs to carry more; the solver stumbles over huge bounds.
    balance = [program.Constraint(0, 0) for _ in range(problem.intervals * problem.zones)]
    objective = program.Objective()
    objective.SetMaximization()
    fills: list[pywraplp.Variable] = []
    for order in range(len(orders)):
        sign = 1 if orders.side[order] == Side.BUY else -1
        fill = program.NumVar(0, float(orders.energy_wh[order]) / energy_scale, "")
        fills.append(fill)
        balance[problem.cell[order]].SetCoefficient(fill, -sign)
        objective.SetCoefficient(fill, float(sign * orders.limit_price_ticks[order]) / price_scale)
    _share(program, problem, fills, energy_scale)
    for interval in range(problem.intervals):
        for link in range(len(links)):
            most_wh = min(float(problem.capacity_wh[interval, link]), total_wh)
            flow = program.NumVar(0, most_wh / energy_scale, "")
            balance[interval * problem.zones + links.from_zone[link]].SetCoefficient(flow, -1)
            balance[interval * problem.zones + links.to_zone[link]].SetCoefficient(flow, 1)
            objective.SetCoefficient(flow, -float(links.cost_ticks[link]) / price_scale)
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    return float(objective.Value()) * energy_scale * price_scale


def _share(
    program: pywraplp.Solver, problem: ClearingProblem, fills: list[pywraplp.Variable], energy_scale: float
) -> None:
    """The entries of a shared order together trade no more than its energy."""
    orders = problem.orders
    if orders.shared is None:
        return
    for number in np.unique(orders.shared[orders.shared >= 0]):
        entries = np.flatnonzero(orders.shared == number)
        total = program.Constraint(0, float(orders.energy_wh[entries].max()) / energy_scale)
        for entry in entries:
            total.SetCoefficient(fills[entry], 1)


def largest_welfare_between_owners(problem: ClearingProblem) -> float:
    """The same for one zone without links, pair by pair, no owner with itself; any prices."""
    return _between_owners(problem, None, None)


def largest_welfare_at_one_price(problem: ClearingProblem, price_ticks: float) -> float:
    """The same at one price that serves all strictly better orders of all owners but at most one, and none worse.

    -inf where no outcome is so.
    """
    owners = [None, *np.unique(problem.orders.owner).tolist()]
    return max(_between_owners(problem, price_ticks, owner) for owner in owners)


def _between_owners(problem: ClearingProblem, price_ticks: float | None, exempt: int | None) -> float:
    program = pywraplp.Solver.CreateSolver("GLOP")
    orders = problem.orders
    energy_scale, price_scale = _scales(problem)
    gain = (orders.limit_price_ticks - (price_ticks or 0)) * np.where(orders.side == Side.BUY, 1, -1)
    most = np.where((gain < 0) & (price_ticks is not None), 0, orders.energy_wh) / energy_scale
    least = np.where((gain > 0) & (orders.owner != exempt) & (price_ticks is not None), most, 0)
    offered = [program.Constraint(low, high) for low, high in zip(least.tolist(), most.tolist(), strict=True)]
    objective = program.Objective()
    objective.SetMaximization()
    for sell in range(len(orders)):
        for buy in range(len(orders)):
            is_pair = orders.side[sell] == Side.SELL and orders.side[buy] == Side.BUY
            if is_pair and orders.owner[sell] != orders.owner[buy] and problem.cell[sell] == problem.cell[buy]:
                traded = program.NumVar(0, program.infinity(), "")
                offered[sell].SetCoefficient(traded, 1)
                offered[buy].SetCoefficient(traded, 1)
                value = orders.limit_price_ticks[buy] - orders.limit_price_ticks[sell]
                objective.SetCoefficient(traded, float(value) / price_scale)
    status = program.Solve()
    if price_ticks is not None and status == pywraplp.Solver.INFEASIBLE:
        return -np.inf
    assert status == pywraplp.Solver.OPTIMAL
    return float(objective.Value()) * energy_scale * price_scale
