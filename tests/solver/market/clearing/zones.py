"""Zones."""

from solver.market.cells.problem import ClearingProblem
from tests.solver.market.books import links, orders


def two_zones(capacity_wh: int, cost_ticks: int = 0) -> ClearingProblem:
    """A sell of 10 @ 10 in zone 0, a buy of 10 @ 50 in zone 1."""
    return ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("B", 10, 50)], [("S", 10, 10)], zones=[1, 0]),
        links=links((0, 1, capacity_wh, cost_ticks)),
    )
