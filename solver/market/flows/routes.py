"""The flows of an interval cut into routes, each from a zone that exports to one that imports."""

from dataclasses import dataclass

import numpy as np

from solver.machine_code import COLUMN, OUT, ROWS, TWO, compiled
from solver.market.cells.problem import ClearingProblem, Indices, Wh

Route = tuple[int, ...]  # zones passed, first where the energy is sold, last where it is bought


@dataclass(frozen=True, slots=True)
class Routes:
    """Energy by route, sorted by selling cell. Route n passes `zones[first_zone[n]:first_zone[n + 1]]`."""

    seller_cell: Indices
    buyer_cell: Indices
    energy_wh: Wh
    zones: Indices
    first_zone: Indices

    def __len__(self) -> int:
        return len(self.energy_wh)

    def passes(self, number: int) -> Route:
        """The zones of one route."""
        return tuple(self.zones[self.first_zone[number] : self.first_zone[number + 1]].tolist())


def routes(problem: ClearingProblem, net_wh: Wh, flow_wh: Wh) -> Routes:
    """Cut flows into routes: from each zone the last link that carries energy is followed, to the next zone in need.

    net_wh: energy sent minus received of each cell; flow_wh: shape (intervals, links), free of circles.
    """
    by_start = np.argsort(problem.links.from_zone, kind="stable")
    first_leaving = np.searchsorted(problem.links.from_zone[by_start], np.arange(problem.zones + 1))
    flows = np.ascontiguousarray(flow_wh)

    def cut(*columns: Indices) -> tuple[int, int]:
        return _cut(net_wh, flows, by_start, first_leaving, problem.links.to_zone, *columns)

    count, passed = cut(*[np.empty(0, np.int64)] * 5)
    seller, buyer, energy_wh, first_zone = np.zeros((4, count + 1), np.int64)
    zones = np.empty(passed, np.int64)
    cut(seller, buyer, energy_wh, zones, first_zone)
    first_zone[count] = passed
    return Routes(seller[:count], buyer[:count], energy_wh[:count], zones, first_zone)


@compiled(TWO, COLUMN, ROWS, COLUMN, COLUMN, COLUMN, OUT, OUT, OUT, OUT, OUT)
def _cut(
    net_wh: Wh,
    flow_wh: Wh,
    by_start: Indices,
    first_leaving: Indices,
    to_zone: Indices,
    seller_cell: Indices,
    buyer_cell: Indices,
    energy_wh: Wh,
    zones: Indices,
    first_zone: Indices,
) -> tuple[int, int]:
    """Number of routes and of zones passed by them all; where there is room for routes, also the routes."""
    is_kept = len(energy_wh) > 0
    count, passed = 0, 0
    zone_count = len(first_leaving) - 1
    hops = np.empty(zone_count + 1, np.int64)
    for interval in range(len(flow_wh)):
        if not flow_wh[interval].any():
            continue
        left, last = flow_wh[interval].copy(), first_leaving[1:].copy()
        net = net_wh[interval * zone_count : (interval + 1) * zone_count].copy()
        for seller in range(zone_count):
            while net[seller] > 0:
                energy, zone, length = net[seller], seller, 0
                if is_kept:
                    first_zone[count], zones[passed] = passed, seller
                while net[zone] >= 0:
                    while left[by_start[last[zone] - 1]] == 0:
                        last[zone] -= 1
                    link = by_start[last[zone] - 1]
                    energy = min(energy, left[link])
                    zone = to_zone[link]
                    hops[length] = link
                    length += 1
                    if is_kept:
                        zones[passed + length] = zone
                energy = min(energy, -net[zone])
                net[seller] -= energy
                net[zone] += energy
                for hop in range(length):
                    left[hops[hop]] -= energy
                if is_kept:
                    seller_cell[count] = interval * zone_count + seller
                    buyer_cell[count] = interval * zone_count + zone
                    energy_wh[count] = energy
                count += 1
                passed += length + 1
    return count, passed
