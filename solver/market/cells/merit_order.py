"""The merit order of every zone and interval, from one sort.

Take all units of energy of a cell (one zone in one interval), sells and buys together, by ascending limit
price. If D units are on demand, the cell alone clears between unit D and unit D + 1: sells below are filled,
buys below are not. A cell that exports e units clears at position D + e. So one number per cell, its
*position*, decides every fill and bounds its price, and price-time priority is just the way units are laid:
by price; at one price sells before buys (which trades as much as possible); earlier sells first, and earlier
buys last, because a buy is filled when it lies *above* the position.

The sort is by words of 64 bits (`sort_keys`). When the fields of a word need more than that, `lexsort` does the same
(tested to be identical).
"""

from dataclasses import dataclass

import numpy as np

from solver.machine_code import COLUMN, MASK, OUT, compiled
from solver.market.cells import sort_keys
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Side, Ticks, Wh, refusal

# Stands for "no bound". Far outside every price, and still safe to add link costs to.
UNBOUNDED_TICKS = 2**50


@dataclass(frozen=True, slots=True)
class MeritOrder:
    """Orders laid out by cell and price.

    order: index into the orders; is_buy, energy_wh and limit_price_ticks: the same orders' columns;
    end_wh: cumulative energy through each, over all cells; cell_start: first place of each cell, cells + 1;
    base_wh, demand_wh, total_wh: per cell, energy laid before it, its buys, all its orders.
    """

    order: Indices
    is_buy: Mask
    energy_wh: Wh
    limit_price_ticks: Ticks
    end_wh: Wh
    cell_start: Indices
    base_wh: Wh
    demand_wh: Wh
    total_wh: Wh


def merit_order(problem: ClearingProblem) -> MeritOrder:
    """Lay out all orders of a problem."""
    cells = problem.intervals * problem.zones
    order, is_buy, price, cell_start = _sorted_orders(problem, cells)
    energy_wh, end_wh = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    base_wh, demand_wh, total_wh = np.empty((3, cells), np.int64)
    _add_up(order, is_buy, problem.orders.energy_wh, cell_start, energy_wh, end_wh, base_wh, demand_wh, total_wh)
    return MeritOrder(
        order=order,
        is_buy=is_buy,
        energy_wh=energy_wh,
        limit_price_ticks=price,
        end_wh=end_wh,
        cell_start=cell_start,
        base_wh=base_wh,
        demand_wh=demand_wh,
        total_wh=total_wh,
    )


def prices_around(merits: MeritOrder, position_wh: Wh) -> tuple[Ticks, Ticks]:
    """Limit prices of the last unit below and of the first unit above a position in each cell, ticks.

    +-UNBOUNDED_TICKS where there is no such unit.
    """
    target = merits.base_wh + position_wh
    has_below = position_wh > 0
    has_above = position_wh < merits.total_wh
    below = np.full(len(target), -UNBOUNDED_TICKS)
    above = np.full(len(target), UNBOUNDED_TICKS)
    below[has_below] = merits.limit_price_ticks[np.searchsorted(merits.end_wh, target[has_below], "left")]
    above[has_above] = merits.limit_price_ticks[np.searchsorted(merits.end_wh, target[has_above], "right")]
    return below, above


def first_place(merits: MeritOrder, cells: Indices, ticks: Ticks) -> Indices:
    """Place of the first order of each cell priced at or above the given ticks; the cell's end if none is."""
    low, high = merits.cell_start[cells], merits.cell_start[cells + 1]
    while (is_open := low < high).any():
        middle = (low + high) // 2
        is_lower = is_open & (merits.limit_price_ticks[middle - (middle == high)] < ticks)
        low, high = np.where(is_lower, middle + 1, low), np.where(is_lower, high, middle)
    return low


def fills(merits: MeritOrder, position_wh: Wh) -> Wh:
    """Energy filled of each order at the cells' positions, Wh, indexed like the problem's orders."""
    fill_wh = np.empty(len(merits.order), np.int64)
    target_wh = merits.base_wh + position_wh
    _fill(merits.order, merits.is_buy, merits.energy_wh, merits.end_wh, merits.cell_start, target_wh, fill_wh)
    return fill_wh


def _sorted_orders(problem: ClearingProblem, cells: int) -> tuple[Indices, Mask, Ticks, Indices]:
    """The orders' permutation, which of them buy, their prices, and the first place of each cell (cells + 1)."""
    if len(problem.orders) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(cells + 1, np.int64)
    by_arrival = _by_arrival(problem.orders.sequence)
    width = sort_keys.fields(problem)
    if width.fits:
        word = sort_keys.sorted_words(problem, by_arrival, width)
        return sort_keys.read_off(word, by_arrival, width, cells)
    return _lexically_sorted(problem, cells, by_arrival)


def _by_arrival(sequence: Indices) -> Indices:
    """Orders by arrival; none where they are listed so. Two orders never share a sequence."""
    if (sequence[1:] > sequence[:-1]).all():
        return np.zeros(0, np.int64)
    by_arrival = np.argsort(sequence, kind="stable")
    arrived = sequence[by_arrival]
    repeated = np.flatnonzero(arrived[1:] == arrived[:-1])
    if repeated.size:
        place = int(by_arrival[repeated[0] + 1])
        raise refusal(f"orders.sequence[{place}]", f"repeats {int(sequence[place])}")
    return by_arrival


def _lexically_sorted(
    problem: ClearingProblem, cells: int, by_arrival: Indices
) -> tuple[Indices, Mask, Ticks, Indices]:
    orders = problem.orders
    rank = np.arange(len(orders))
    rank[by_arrival] = np.arange(len(by_arrival))
    is_buy = orders.side == Side.BUY
    order = np.lexsort((np.where(is_buy, -rank, rank), orders.side, orders.limit_price_ticks, problem.cell))
    cell_start = np.append(0, np.cumsum(np.bincount(problem.cell, minlength=cells)))
    return order, is_buy[order], orders.limit_price_ticks[order], cell_start


@compiled("void", COLUMN, MASK, COLUMN, COLUMN, *[OUT] * 5)
def _add_up(
    order: Indices,
    is_buy: Mask,
    energy_of: Wh,
    cell_start: Indices,
    energy_wh: Wh,
    end_wh: Wh,
    base_wh: Wh,
    demand_wh: Wh,
    total_wh: Wh,
) -> None:
    for place in range(len(order)):  # By itself: eight times faster than with the sums.
        energy_wh[place] = energy_of[order[place]]
    end = np.int64(0)
    for cell in range(len(base_wh)):
        base_wh[cell] = end
        demand = np.int64(0)
        for place in range(cell_start[cell], cell_start[cell + 1]):
            end += energy_wh[place]
            demand += energy_wh[place] * is_buy[place]
            end_wh[place] = end
        demand_wh[cell] = demand
        total_wh[cell] = end - base_wh[cell]


@compiled()
def energy_below(energy_wh: int, end_wh: int, target_wh: int) -> int:
    """How much of an order lies below a place in the cumulative energy."""
    return min(max(target_wh - end_wh + energy_wh, 0), energy_wh)


@compiled("void", COLUMN, MASK, *[COLUMN] * 4, OUT)
def _fill(
    order: Indices,
    is_buy: Mask,
    energy_wh: Wh,
    end_wh: Wh,
    cell_start: Indices,
    target_wh: Wh,
    fill_wh: Wh,
) -> None:
    for cell in range(len(target_wh)):
        for place in range(cell_start[cell], cell_start[cell + 1]):
            below_wh = energy_below(energy_wh[place], end_wh[place], target_wh[cell])
            fill_wh[order[place]] = energy_wh[place] - below_wh if is_buy[place] else below_wh
