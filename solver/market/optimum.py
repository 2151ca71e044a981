"""The welfare-optimal outcome for what is left of each order, with its pairs and its welfare."""

from dataclasses import dataclass, replace

import numpy as np

from solver.market.merit_order import MeritOrder, fills, merit_order
from solver.market.network import net_export_wh, transfers
from solver.market.pairing import Pairings, pair
from solver.market.problem import ClearingProblem, Energy, Indices, Side, Ticks

# Splits energy in two, so that sums of price x energy stay in 64 bits within the limits of `problem`.
_SPLIT_BITS = 16


@dataclass(frozen=True, slots=True)
class Optimum:
    """`problem` holds the remaining orders only; fills and pairs are numbered as in the whole problem.

    stuck: pairs that could not be kept from joining two orders of one owner; empty in a clearing.
    """

    problem: ClearingProblem
    merits: MeritOrder
    flow_wh: Energy
    fill_wh: Energy
    pairings: Pairings
    stuck: Pairings


def optimum(problem: ClearingProblem, left_wh: Energy) -> Optimum:
    """Clear what is left of each order, Wh; an order of which nothing is left does not take part."""
    kept = np.flatnonzero(left_wh)
    remaining = _remaining(problem, kept, left_wh)
    merits = merit_order(remaining)
    flow_wh = transfers(remaining, merits)
    fill_wh = fills(merits, merits.demand_wh + net_export_wh(remaining, flow_wh))
    pairings, stuck = pair(remaining, merits, fill_wh, flow_wh)
    whole_fill_wh = np.zeros_like(left_wh)
    whole_fill_wh[kept] = fill_wh
    return Optimum(
        problem=remaining,
        merits=merits,
        flow_wh=flow_wh,
        fill_wh=whole_fill_wh,
        pairings=_renumbered(pairings, kept),
        stuck=_renumbered(stuck, kept),
    )


def welfare_ticks_wh(problem: ClearingProblem, fill_wh: Energy, flow_wh: Energy) -> int:
    """Value to buyers minus cost to sellers minus transfer costs, exact, in ticks x Wh (0.1 micro-EUR)."""
    sign = np.where(problem.orders.side == Side.BUY, 1, -1)
    gained = _exact_dot(problem.orders.limit_price_ticks * sign, fill_wh)
    return gained - _exact_dot(problem.links.cost_ticks, flow_wh.sum(axis=0))


def _exact_dot(ticks: Ticks, energy_wh: Energy) -> int:
    high, low = energy_wh >> _SPLIT_BITS, energy_wh & ((1 << _SPLIT_BITS) - 1)
    return (int((ticks * high).sum()) << _SPLIT_BITS) + int((ticks * low).sum())


def _remaining(problem: ClearingProblem, kept: Indices, left_wh: Energy) -> ClearingProblem:
    if left_wh is problem.orders.energy_wh:
        return problem
    return replace(problem, orders=replace(problem.orders.at(kept), energy_wh=left_wh[kept]))


def _renumbered(pairings: Pairings, kept: Indices) -> Pairings:
    return Pairings(sell=kept[pairings.sell], buy=kept[pairings.buy], energy_wh=pairings.energy_wh)
