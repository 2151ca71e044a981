"""The welfare-optimal outcome for what is left of each order, with its prices, its pairs and its welfare."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.machine_code import COLUMN, OUT, SIDES, compiled
from solver.market.cells.joint import has_shared, joint
from solver.market.cells.merit_order import MeritOrder, fills, merit_order
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Ticks, Wh, derived
from solver.market.clearing.ties import by_arrival
from solver.market.flows.network import net_export_wh, transfers
from solver.market.flows.zone_prices import ZonePrices, put_together, zone_prices
from solver.market.pairs.pairing import Pairings, pair

# Splits energy in two, so that sums of price x energy stay in 64 bits within the limits of `problem`.
_SPLIT_BITS = 16


@dataclass(frozen=True, slots=True)
class Optimum:
    """Energy filled of each order, flows of shape (intervals, links), Wh, and the prices at which they stand.

    merits: the merit order of the orders that took part, where it was laid for all of them at once.
    """

    fill_wh: Wh
    flow_wh: Wh
    prices: ZonePrices
    merits: MeritOrder | None = None


def optimum(problem: ClearingProblem, left_wh: Wh) -> Optimum:
    """Trade what is left of each order for the largest welfare; an order of which nothing is left takes no part.

    Minimum fills count only among equals (`ties`): an order that no optimum fills so far may be filled less.
    """
    kept = places_of(left_wh)
    left = remaining(problem, kept, left_wh)
    best = _joined(left) if has_shared(left.orders) else _plain(left)
    if kept is None:
        return best
    fill_wh = np.zeros_like(left_wh)
    fill_wh[kept] = best.fill_wh
    return replace(best, fill_wh=fill_wh)


def places_of(left_wh: Wh) -> Indices | None:
    """Places of the orders of which something is left; None where that is all of them."""
    return None if left_wh.all() else np.flatnonzero(left_wh)


def remaining(problem: ClearingProblem, kept: Indices | None, left_wh: Wh) -> ClearingProblem:
    """The problem of what is left of the kept orders."""
    if kept is None and left_wh is problem.orders.energy_wh:
        return problem
    orders, left_wh = (problem.orders, left_wh) if kept is None else (problem.orders.at(kept), left_wh[kept])
    return derived(problem, orders=replace(orders, energy_wh=left_wh))


def _plain(problem: ClearingProblem) -> Optimum:
    merits = merit_order(problem)
    flow_wh = transfers(problem, merits)
    # The same prices support every optimum, so those of the first one found serve for the one that is taken.
    found = zone_prices(problem, merits, flow_wh)
    flow_wh = by_arrival(problem, merits, flow_wh, found.supporting_ticks)
    return Optimum(fills(merits, merits.demand_wh + net_export_wh(problem, flow_wh)), flow_wh, found, merits)


def _joined(problem: ClearingProblem) -> Optimum:
    """Intervals with shared orders as one, the others each by itself."""
    is_shared = _are_shared(problem)
    fill_wh = np.zeros(len(problem.orders), np.int64)
    flow_wh = np.zeros((problem.intervals, len(problem.links)), np.int64)
    others = np.flatnonzero(~is_shared)
    members, part = part_of(problem, others)
    alone = _plain(part)
    fill_wh[members], flow_wh[others] = alone.fill_wh, alone.flow_wh
    joined = joint(problem, np.flatnonzero(is_shared))
    together = _plain(joined.problem)
    fill_wh[joined.alone] = together.fill_wh[: len(joined.alone)]
    shape = len(joined.intervals), len(problem.links)
    between = shape[0] * shape[1]
    flow_wh[joined.intervals] = together.flow_wh[0, :between].reshape(shape)
    fill_wh[joined.entry] = together.flow_wh[0, between:]
    cells = together.prices.of_zones(np.arange(shape[0] * problem.zones))  # The zones of shared orders go.
    found = ZonePrices(**{name: each.reshape(shape[0], -1) for name, each in cells.columns.items()})
    return Optimum(fill_wh, flow_wh, put_together(problem.intervals, (others, alone.prices), (joined.intervals, found)))


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
