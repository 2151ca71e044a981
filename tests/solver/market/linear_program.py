"""The market as a linear program (OR-Tools GLOP), written order by order: an answer to compare with.

Energies and prices are scaled to about 1, for GLOP's tolerances; results are exact to about 12 digits.
"""

import numpy as np
from ortools.linear_solver import pywraplp

from solver.market.problem import ClearingProblem, Side


def _scales(problem: ClearingProblem) -> tuple[float, float]:
    """Largest energy and largest price or cost."""
    prices = np.append(abs(problem.orders.limit_price_ticks), problem.links.cost_ticks)
    return float(problem.orders.energy_wh.max(initial=1)), float(prices.max(initial=1))


def largest_welfare(problem: ClearingProblem) -> float:
    """Largest value to buyers minus cost to sellers and transfers, ticks x Wh; owners not told apart."""
    program = pywraplp.Solver.CreateSolver("GLOP")
    orders, links = problem.orders, problem.links
    energy_scale, price_scale = _scales(problem)
    balance = [program.Constraint(0, 0) for _ in range(problem.intervals * problem.zones)]
    objective = program.Objective()
    objective.SetMaximization()
    for order in range(len(orders)):
        sign = 1 if orders.side[order] == Side.BUY else -1
        fill = program.NumVar(0, float(orders.energy_wh[order]) / energy_scale, "")
        balance[problem.cell[order]].SetCoefficient(fill, -sign)
        objective.SetCoefficient(fill, float(sign * orders.limit_price_ticks[order]) / price_scale)
    for interval in range(problem.intervals):
        for link in range(len(links)):
            flow = program.NumVar(0, float(problem.capacity_wh[interval, link]) / energy_scale, "")
            balance[interval * problem.zones + links.from_zone[link]].SetCoefficient(flow, -1)
            balance[interval * problem.zones + links.to_zone[link]].SetCoefficient(flow, 1)
            objective.SetCoefficient(flow, -float(links.cost_ticks[link]) / price_scale)
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    return float(objective.Value()) * energy_scale * price_scale


def largest_welfare_between_owners(problem: ClearingProblem) -> float:
    """The same for one zone without links, pair by pair, no owner with itself; any prices."""
    program = pywraplp.Solver.CreateSolver("GLOP")
    orders = problem.orders
    energy_scale, price_scale = _scales(problem)
    offered = [program.Constraint(0, float(energy_wh) / energy_scale) for energy_wh in orders.energy_wh]
    objective = program.Objective()
    objective.SetMaximization()
    for sell in range(len(orders)):
        for buy in range(len(orders)):
            is_pair = orders.side[sell] == Side.SELL and orders.side[buy] == Side.BUY
            if is_pair and orders.owner[sell] != orders.owner[buy] and problem.cell[sell] == problem.cell[buy]:
                traded = program.NumVar(0, program.infinity(), "")
                offered[sell].SetCoefficient(traded, 1)
                offered[buy].SetCoefficient(traded, 1)
                gain = orders.limit_price_ticks[buy] - orders.limit_price_ticks[sell]
                objective.SetCoefficient(traded, float(gain) / price_scale)
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    return float(objective.Value()) * energy_scale * price_scale
