"""The welfare-optimal outcome for what is left of each order, with its prices, its pairs and its welfare."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.machine_code import COLUMN, OUT, SIDES, compiled
from solver.market.cells.joint import has_shared, joint, joint_flow_wh
from solver.market.cells.merit_order import MeritOrder, fills, merit_order
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Ticks, Wh, derived
from solver.market.clearing.ties import by_arrival
from solver.market.flows.network import net_export_wh, transfers
from solver.market.flows.zone_prices import ZonePrices, zone_prices
from solver.market.pairs.pairing import Pairings, pair

# Splits energy in two, so that sums of price x energy stay in 64 bits within the limits of `problem`.
_SPLIT_BITS = 16


@dataclass(frozen=True, slots=True)
class Optimum:
    """Energy filled of each order, and flows of shape (intervals, links), Wh.

    merits: the merit order of the orders that took part, where it was laid for all of them at once.
    """

    fill_wh: Wh
    flow_wh: Wh
    merits: MeritOrder | None = None


def optimum(problem: ClearingProblem, left_wh: Wh) -> Optimum:
    """Trade what is left of each order for the largest welfare; an order of which nothing is left takes no part."""
    kept = places_of(left_wh)
    left = remaining(problem, kept, left_wh)
    best = _joined(left) if has_shared(left.orders) else _plain(left)
    if kept is None:
        return best
    fill_wh = np.zeros_like(left_wh)
    fill_wh[kept] = best.fill_wh
    return Optimum(fill_wh, best.flow_wh, best.merits)


def places_of(left_wh: Wh) -> Indices | None:
    """Places of the orders of which something is left; None where that is all of them."""
    return None if left_wh.all() else np.flatnonzero(left_wh)


def remaining(problem: ClearingProblem, kept: Indices | None, left_wh: Wh) -> ClearingProblem:
    """The problem of what is left of the kept orders; minimum fills are not a matter of an optimum."""
    if kept is not None:
        orders, left_wh = problem.orders.at(kept), left_wh[kept]
    elif left_wh is problem.orders.energy_wh and problem.orders.minimum_fill_wh is None:
        return problem
    else:
        orders = problem.orders
    return derived(problem, orders=replace(orders, energy_wh=left_wh, minimum_fill_wh=None))


def _plain(problem: ClearingProblem) -> Optimum:
    merits = merit_order(problem)
    flow_wh = _flows(problem, merits)
    return Optimum(fills(merits, merits.demand_wh + net_export_wh(problem, flow_wh)), flow_wh, merits)


def _flows(problem: ClearingProblem, merits: MeritOrder) -> Wh:
    if not problem.links.has_local:
        return transfers(problem, merits)
    fine = by_arrival(problem)
    return transfers(fine, merit_order(fine))


def _joined(problem: ClearingProblem) -> Optimum:
    """Intervals with shared orders as one, the others each by itself."""
    is_shared = _are_shared(problem)
    fill_wh = np.zeros(len(problem.orders), np.int64)
    flow_wh = np.zeros((problem.intervals, len(problem.links)), np.int64)
    others = np.flatnonzero(~is_shared)
    if len(others):
        members, part = part_of(problem, others)
        best = _plain(part)
        fill_wh[members], flow_wh[others] = best.fill_wh, best.flow_wh
    joined = joint(problem, np.flatnonzero(is_shared))
    best = _plain(joined.problem)
    fill_wh[joined.alone] = best.fill_wh[: len(joined.alone)]
    cells, links = len(joined.intervals), len(problem.links)
    flow_wh[joined.intervals] = best.flow_wh[0, : cells * links].reshape(cells, links)
    fill_wh[joined.entry] = best.flow_wh[0, cells * links :]
    return Optimum(fill_wh, flow_wh)


def _are_shared(problem: ClearingProblem) -> Mask:
    """Intervals that shared orders stand in."""
    assert problem.orders.shared is not None, "nothing is shared"
    is_shared = np.zeros(problem.intervals, np.bool_)
    is_shared[problem.orders.interval[problem.orders.shared >= 0]] = True
    return is_shared


def part_of(problem: ClearingProblem, intervals: Indices) -> tuple[Indices, ClearingProblem]:
    """Places of the orders in the chosen intervals (ascending), and the problem of these alone."""
    place = np.full(problem.intervals, -1)
    place[intervals] = np.arange(len(intervals))
    of_order = place[problem.orders.interval]
    members = np.flatnonzero(of_order >= 0)
    orders = replace(problem.orders.at(members), interval=of_order[members])
    links = replace(problem.links, capacity_wh=problem.capacity_wh[intervals])
    return members, derived(problem, intervals=len(intervals), orders=orders, links=links)


def prices(problem: ClearingProblem, best: Optimum) -> ZonePrices:
    """Prices at which the optimum of a problem (all of it, without minimum fills) stands."""
    if not has_shared(problem.orders):
        return zone_prices(problem, best.merits or merit_order(problem), best.flow_wh)
    is_shared = _are_shared(problem)
    others = np.flatnonzero(~is_shared)
    _, part = part_of(problem, others)
    joined = joint(problem, np.flatnonzero(is_shared))
    flow_wh = joint_flow_wh(joined, best.fill_wh, best.flow_wh)
    together = zone_prices(joined.problem, merit_order(joined.problem), flow_wh)
    alone = zone_prices(part, merit_order(part), best.flow_wh[others])
    return _merged(alone, others, together, joined.intervals, problem.zones)


def _merged(alone: ZonePrices, others: Indices, together: ZonePrices, joined: Indices, zones: int) -> ZonePrices:
    """Prices of all intervals from those of single ones and those of joined ones, whose shared orders' zones go."""
    columns = {}
    for name in ("lowest_ticks", "highest_ticks", "has_lowest", "has_highest", "price_ueur_per_kwh"):
        first, second = getattr(alone, name), getattr(together, name)[0, : len(joined) * zones]
        column = np.empty((len(others) + len(joined), zones), first.dtype)
        column[others], column[joined] = first, second.reshape(len(joined), zones)
        columns[name] = column
    return ZonePrices(**columns)


def pairs(problem: ClearingProblem, best: Optimum) -> tuple[Pairings, Pairings]:
    """Who delivers to whom, and apart what could not be kept from joining two orders of one owner."""
    if not has_shared(problem.orders):
        return pair(problem, best.merits or merit_order(problem), best.flow_wh)
    # What is filled of all entries is a market in which everything trades.
    filled = np.flatnonzero(best.fill_wh)
    orders = replace(problem.orders.at(filled), energy_wh=best.fill_wh[filled], shared=None)
    traded = derived(problem, orders=orders)
    found = pair(traded, merit_order(traded), best.flow_wh)
    return renumbered(found[0], filled), renumbered(found[1], filled)


def renumbered(pairings: Pairings, kept: Indices | None) -> Pairings:
    """The pairs of kept orders by the numbers these have in the whole problem."""
    if kept is None:
        return pairings
    return Pairings(sell=kept[pairings.sell], buy=kept[pairings.buy], energy_wh=pairings.energy_wh)


def welfare_ticks_wh(problem: ClearingProblem, best: Optimum) -> tuple[int, ...]:
    """Value to buyers minus cost to sellers and transfers in each interval, exact, in ticks x Wh (0.1 micro-EUR)."""
    high, low = np.zeros(problem.intervals, np.int64), np.zeros(problem.intervals, np.int64)
    orders = problem.orders
    _gain(orders.interval, orders.limit_price_ticks, orders.side, best.fill_wh, high, low)
    spent = best.flow_wh.astype(object) @ problem.links.cost_ticks.astype(object)
    each = zip(high.tolist(), low.tolist(), spent.tolist(), strict=True)
    return tuple((upper << _SPLIT_BITS) + lower - cost for upper, lower, cost in each)


@compiled("void", COLUMN, COLUMN, SIDES, COLUMN, OUT, OUT)
def _gain(interval: Indices, limit_price_ticks: Ticks, side: NDArray[np.int8], fill_wh: Wh, high: Wh, low: Wh) -> None:
    """Buys less sells of each interval, ticks x Wh, as two sums: of the energies' high bits and of the low ones."""
    for order in range(len(fill_wh)):
        ticks = limit_price_ticks[order] * (2 * side[order] - 1)
        high[interval[order]] += ticks * (fill_wh[order] >> _SPLIT_BITS)
        low[interval[order]] += ticks * (fill_wh[order] & ((1 << _SPLIT_BITS) - 1))
