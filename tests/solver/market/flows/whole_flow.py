"""The whole market as min-cost flows, every order an arc and nothing left out: exact integers to compare with."""

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from solver.market.cells.problem import ClearingProblem, Side


def largest_welfare(problem: ClearingProblem) -> int:
    """Largest value to buyers minus cost to sellers and transfers, ticks x Wh."""
    return sum(_interval(problem, interval) for interval in range(problem.intervals))


def _interval(problem: ClearingProblem, interval: int) -> int:
    orders, links, hub = problem.orders, problem.links, problem.zones
    members = np.flatnonzero(orders.interval == interval)
    zone, is_buy = orders.zone[members], orders.side[members] == Side.BUY
    graph = SimpleMinCostFlow()
    graph.add_arcs_with_capacity_and_unit_cost(
        np.where(is_buy, zone, hub).astype(np.int32),
        np.where(is_buy, hub, zone).astype(np.int32),
        orders.energy_wh[members],
        orders.limit_price_ticks[members] * np.where(is_buy, -1, 1),
    )
    graph.add_arcs_with_capacity_and_unit_cost(
        links.from_zone.astype(np.int32),
        links.to_zone.astype(np.int32),
        problem.capacity_wh[interval],
        links.cost_ticks,
    )
    assert graph.solve() == graph.OPTIMAL
    return -int(graph.optimal_cost())
