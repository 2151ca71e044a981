"""Transfers between zones that make the whole welfare-optimal: a min-cost flow on what can still move.

Every cell first clears alone (`merit_order`), between its prices `below` and `above`. A transfer from zone w
to zone v gains at most below[v] - above[w] - (cheapest route), and further units gain less. Therefore

    arrives_at[z] = min over w of above[w] + route(w, z)     no energy reaches z cheaper
    fetches[z]    = max over v of below[v] - route(z, v)     no energy leaving z fetches more

and in some optimum (capacities only narrow this), compared with every cell clearing alone,
- link (a, b) is used only if fetches[b] > arrives_at[a] + cost;
- only units above the position priced under fetches[z] are newly used;
- only units below the position priced over arrives_at[z] are given back.
Everything else is left out of the flow problem; `tests` compare with the problem left whole.

The flow problem of one interval: a node per zone and a hub; a unit that could newly be used flows hub -> zone
at its price, one that could be given back zone -> hub at minus its price, links between. All supplies are zero.
Where some link is free, costs are multiplied by (zones + 2) and each link costs 1 more: a simple cycle has at
most zones + 1 arcs, so this settles only ties, in favour of fewer links, and no energy goes in circles.
OR-Tools returns some optimum; only link flows are taken from it, so which orders trade is decided by rank.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from solver.machine_code import COLUMN, ROWS, TABLE, compiled
from solver.market.cells.merit_order import UNBOUNDED_TICKS, MeritOrder, first_place, prices_around
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Ticks, Wh

if TYPE_CHECKING:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow


@dataclass(frozen=True, slots=True)
class _Arcs:
    """Arcs of all intervals, sorted by interval; `first` has the first arc of each, intervals + 1 entries."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    capacity_wh: Wh
    cost: Ticks
    first: Indices


def transfers(problem: ClearingProblem, merits: MeritOrder) -> Wh:
    """Welfare-optimal flows, Wh, shape (intervals, links)."""
    flow_wh = np.zeros((problem.intervals, len(problem.links)), np.int64)
    if flow_wh.size == 0 or len(problem.orders) == 0:
        return flow_wh
    shape = (problem.intervals, problem.zones)
    below, above = (prices.reshape(shape) for prices in prices_around(merits, merits.demand_wh))
    arrives_at = cheapest_routes(problem, above)
    fetches = dearest_routes(problem, below)
    is_useful = _useful_links(problem, arrives_at, fetches)
    if not is_useful.any():
        return flow_wh
    links = _link_arcs(problem, merits, is_useful)
    cells = _linked_cells(problem, is_useful)
    units = _unit_arcs(problem, merits, cells, arrives_at.ravel()[cells], fetches.ravel()[cells])
    flow_wh[is_useful] = _solve(links, *units)
    return flow_wh


def net_export_wh(problem: ClearingProblem, flow_wh: Wh) -> Wh:
    """Energy sent minus energy received, Wh, one per cell."""
    net = np.zeros((problem.zones, problem.intervals), np.int64)
    np.add.at(net, problem.links.from_zone, flow_wh.T)
    np.subtract.at(net, problem.links.to_zone, flow_wh.T)
    return net.T.ravel()


def carried(problem: ClearingProblem, flow_wh: Wh, intervals: Indices) -> Wh:
    """The flows, those of some intervals along the cheapest ways that lead the same from zone to zone, without circles.

    Where no link is free, flows that support prices have no circles and are left as they are.
    """
    scale = _tie_scale(problem)
    if scale == 1 or len(intervals) == 0:
        return flow_wh
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow  # noqa: PLC0415 - only what solves imports it.

    net_wh = net_export_wh(problem, flow_wh).reshape(problem.intervals, problem.zones)
    links, zones = problem.links, np.arange(problem.zones, dtype=np.int32)
    tail, head = links.from_zone.astype(np.int32), links.to_zone.astype(np.int32)
    for interval in intervals.tolist():
        graph = SimpleMinCostFlow()
        most_wh = np.minimum(problem.capacity_wh[interval], np.abs(net_wh[interval]).sum())
        added = graph.add_arcs_with_capacity_and_unit_cost(tail, head, most_wh, links.cost_ticks * scale + 1)
        graph.set_nodes_supplies(zones, net_wh[interval])
        status = graph.solve()
        assert status == graph.OPTIMAL, f"min-cost flow of interval {interval} ended {status}"
        flow_wh[interval] = graph.flows(added)
    return flow_wh


def relax(ticks: Ticks, tail: Indices, head: Indices, cost_ticks: Ticks) -> Ticks:
    """Largest values <= ticks with value[head] <= value[tail] + cost on every arc (Bellman-Ford).

    ticks: shape (intervals, zones); cost_ticks: (arcs,) or (intervals, arcs), UNBOUNDED_TICKS for no arc.
    """
    if len(tail) == 0:
        return ticks
    value = ticks.copy()
    costs = np.ascontiguousarray(np.broadcast_to(cost_ticks, (len(ticks), len(tail))))
    assert _relax(value, tail, head, costs), "prices fall around a cycle: the flows are not optimal"
    return value


@compiled("boolean", TABLE, COLUMN, COLUMN, ROWS)
def _relax(value: Ticks, tail: Indices, head: Indices, cost_ticks: Ticks) -> bool:
    """Lower values in place until all arcs hold; False if they never do."""
    for interval in range(len(value)):
        rounds, is_lower = 0, True
        while is_lower:
            is_lower = False
            for arc in range(len(tail)):
                offered = value[interval, tail[arc]] + cost_ticks[interval, arc]
                if offered < value[interval, head[arc]]:
                    value[interval, head[arc]] = offered
                    is_lower = True
            rounds += 1
            if rounds > value.shape[1] + 1:
                return False
    return True


def cheapest_routes(problem: ClearingProblem, ticks: Ticks) -> Ticks:
    """Per zone the smallest of any zone's value plus the cost of the way from it."""
    links = problem.links
    return relax(ticks, links.from_zone, links.to_zone, _open_cost(problem))


def dearest_routes(problem: ClearingProblem, ticks: Ticks) -> Ticks:
    """Per zone the largest of any zone's value minus the cost of the way to it."""
    links = problem.links
    return -relax(-ticks, links.to_zone, links.from_zone, _open_cost(problem))


def _open_cost(problem: ClearingProblem) -> Ticks:
    return np.where(problem.capacity_wh > 0, problem.links.cost_ticks, UNBOUNDED_TICKS)


def _useful_links(problem: ClearingProblem, arrives_at: Ticks, fetches: Ticks) -> Mask:
    """Links that some welfare-optimal transfer may use, shape (intervals, links)."""
    links = problem.links
    gain = fetches[:, links.to_zone] - arrives_at[:, links.from_zone] - links.cost_ticks
    is_useful: Mask = (gain > 0) & (problem.capacity_wh > 0)
    return is_useful


def _linked_cells(problem: ClearingProblem, is_useful: Mask) -> Indices:
    """Cells that a useful link touches, ascending."""
    is_linked = np.zeros((problem.intervals, problem.zones), np.bool_)
    interval, link = np.nonzero(is_useful)
    is_linked[interval, problem.links.from_zone[link]] = True
    is_linked[interval, problem.links.to_zone[link]] = True
    return np.flatnonzero(is_linked)


def _tie_scale(problem: ClearingProblem) -> int:
    """Factor on all costs; above 1 every link costs 1 more. Only free links can let energy go in circles."""
    return problem.zones + 2 if (problem.links.cost_ticks == 0).any() else 1


def _link_arcs(problem: ClearingProblem, merits: MeritOrder, is_useful: Mask) -> _Arcs:
    interval, link = np.nonzero(is_useful)
    # No link ever carries more than is on offer; this keeps "unlimited" inside the solver's range.
    interval_wh = merits.total_wh.reshape(problem.intervals, problem.zones).sum(axis=1)
    scale = _tie_scale(problem)
    return _Arcs(
        tail=problem.links.from_zone[link].astype(np.int32),
        head=problem.links.to_zone[link].astype(np.int32),
        capacity_wh=np.minimum(problem.capacity_wh[is_useful], interval_wh[interval]),
        cost=problem.links.cost_ticks[link] * scale + (scale > 1),
        first=np.searchsorted(interval, np.arange(problem.intervals + 1)),
    )


def _unit_arcs(
    problem: ClearingProblem, merits: MeritOrder, cells: Indices, arrives_at: Ticks, fetches: Ticks
) -> tuple[_Arcs, _Arcs]:
    """Arcs hub -> zone of the units that may be newly used, and zone -> hub of those that may be given back."""
    alone = (merits.base_wh + merits.demand_wh)[cells]
    first_above = np.searchsorted(merits.end_wh, alone, "right")
    last_below = np.searchsorted(merits.end_wh, alone, "left") + 1
    place, at = _ranges(first_above, first_place(merits, cells, fetches))
    added = np.minimum(merits.end_wh[place] - alone[at], merits.energy_wh[place])
    cell, price, added = _by_level(cells[at], merits.limit_price_ticks[place], added)
    newly_used = _hub_arcs(problem, cell, price, added, is_from_hub=True)

    place, at = _ranges(first_place(merits, cells, arrives_at + 1), last_below)
    start = merits.end_wh[place] - merits.energy_wh[place]
    given_back = np.minimum(alone[at] - start, merits.energy_wh[place])
    cell, price, given_back = _by_level(cells[at], merits.limit_price_ticks[place], given_back)
    return newly_used, _hub_arcs(problem, cell, -price, given_back, is_from_hub=False)


def _ranges(start: Indices, stop: Indices) -> tuple[Indices, Indices]:
    """All numbers of the ranges one after another, and which range each is of."""
    count = np.maximum(stop - start, 0)
    at = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(at)) + (start - np.cumsum(count) + count)[at]
    return place, at


def _by_level(cell: Indices, price: Ticks, energy_wh: Wh) -> tuple[Indices, Ticks, Wh]:
    """Merge neighbours of one cell and price."""
    if len(cell) == 0:
        return cell, price, energy_wh
    first = np.flatnonzero(np.append(True, (cell[1:] != cell[:-1]) | (price[1:] != price[:-1])))
    return cell[first], price[first], np.add.reduceat(energy_wh, first)


def _hub_arcs(problem: ClearingProblem, cell: Indices, ticks: Ticks, capacity_wh: Wh, *, is_from_hub: bool) -> _Arcs:
    zone = (cell % problem.zones).astype(np.int32)
    hub = np.full(len(zone), problem.zones, np.int32)
    return _Arcs(
        tail=hub if is_from_hub else zone,
        head=zone if is_from_hub else hub,
        capacity_wh=capacity_wh,
        cost=ticks * _tie_scale(problem),
        first=np.searchsorted(cell, np.arange(problem.intervals + 1) * problem.zones),
    )


def _solve(links: _Arcs, *units: _Arcs) -> Wh:
    """Flow on every link arc, Wh. One small graph per interval: faster, and the GIL is held briefly."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow  # noqa: PLC0415 - only what solves imports it.

    flow_wh = np.zeros(len(links.tail), np.int64)
    for interval in np.flatnonzero(np.diff(links.first)).tolist():
        graph = SimpleMinCostFlow()
        added = [_add(graph, arcs, interval) for arcs in (links, *units)]
        status = graph.solve()
        assert status == graph.OPTIMAL, f"min-cost flow of interval {interval} ended {status}"
        flow_wh[links.first[interval] : links.first[interval + 1]] = graph.flows(added[0])
    return flow_wh


def _add(graph: "SimpleMinCostFlow", arcs: _Arcs, interval: int) -> NDArray[np.int32]:
    chosen = slice(arcs.first[interval], arcs.first[interval + 1])
    numbers: NDArray[np.int32] = graph.add_arcs_with_capacity_and_unit_cost(
        arcs.tail[chosen], arcs.head[chosen], arcs.capacity_wh[chosen], arcs.cost[chosen]
    )
    return numbers
