"""The welfare-optimal outcome for what is left of each order, with its pairs and its welfare."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.machine_code import COLUMN, SIDES, TWO, compiled
from solver.market.merit_order import MeritOrder, fills, merit_order
from solver.market.network import net_export_wh, transfers
from solver.market.pairing import Pairings, pair
from solver.market.problem import ClearingProblem, Energy, Indices, Ticks

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
    if left_wh is problem.orders.energy_wh:
        return _optimum(problem)
    kept = np.flatnonzero(left_wh)
    found = _optimum(replace(problem, orders=replace(problem.orders.at(kept), energy_wh=left_wh[kept])))
    fill_wh = np.zeros_like(left_wh)
    fill_wh[kept] = found.fill_wh
    return replace(
        found, fill_wh=fill_wh, pairings=_renumbered(found.pairings, kept), stuck=_renumbered(found.stuck, kept)
    )


def _optimum(problem: ClearingProblem) -> Optimum:
    merits = merit_order(problem)
    flow_wh = transfers(problem, merits)
    pairings, stuck = pair(problem, merits, flow_wh)
    return Optimum(
        problem=problem,
        merits=merits,
        flow_wh=flow_wh,
        fill_wh=fills(merits, merits.demand_wh + net_export_wh(problem, flow_wh)),
        pairings=pairings,
        stuck=stuck,
    )


def welfare_ticks_wh(problem: ClearingProblem, fill_wh: Energy, flow_wh: Energy) -> int:
    """Value to buyers minus cost to sellers minus transfer costs, exact, in ticks x Wh (0.1 micro-EUR)."""
    high, low = _gained(problem.orders.limit_price_ticks, problem.orders.side, fill_wh)
    spent = np.dot(problem.links.cost_ticks.astype(object), flow_wh.sum(axis=0).astype(object))
    return (int(high) << _SPLIT_BITS) + int(low) - int(spent)


@compiled(TWO(COLUMN, SIDES, COLUMN))
def _gained(limit_price_ticks: Ticks, side: NDArray[np.int8], fill_wh: Energy) -> tuple[int, int]:
    """Buys less sells, ticks x Wh, as two sums: of the energies' high bits and of the low ones."""
    high, low = 0, 0
    for order in range(len(fill_wh)):
        ticks = limit_price_ticks[order] * (2 * side[order] - 1)
        high += ticks * (fill_wh[order] >> _SPLIT_BITS)
        low += ticks * (fill_wh[order] & ((1 << _SPLIT_BITS) - 1))
    return high, low


def _renumbered(pairings: Pairings, kept: Indices) -> Pairings:
    return Pairings(sell=kept[pairings.sell], buy=kept[pairings.buy], energy_wh=pairings.energy_wh)
