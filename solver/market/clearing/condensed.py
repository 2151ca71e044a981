"""The part of a market that depends on which orders with a minimum fill take part in it.

Prices rise where sells are left out and fall where buys are, in all zones alike. So every set to leave out has prices
within those without any such buys and those without any such sells; an order that is better than both is filled in
each case, one that is worse than both in none. The former become one order of their cell and side, the latter go.
"""

from dataclasses import replace

import numpy as np

from solver.market.cells.merit_order import UNBOUNDED_TICKS
from solver.market.cells.problem import ClearingProblem, Indices, Side, Wh, derived
from solver.market.flows.zone_prices import ZonePrices


def condensed(
    problem: ClearingProblem, left_wh: Wh, minimum_wh: Wh, cheap: ZonePrices, dear: ZonePrices
) -> tuple[ClearingProblem, Indices]:
    """The smaller market of what is left of each order, and the order that each of its is, or stands for."""
    orders, cell = problem.orders, problem.cell
    lowest = np.where(cheap.has_lowest, cheap.lowest_ticks, -UNBOUNDED_TICKS).ravel()[cell]
    highest = np.where(dear.has_highest, dear.highest_ticks, UNBOUNDED_TICKS).ravel()[cell]
    is_buy = orders.side == Side.BUY
    is_low, is_high = orders.limit_price_ticks < lowest, orders.limit_price_ticks > highest
    is_free = (minimum_wh == 0) & (True if orders.shared is None else orders.shared < 0)
    is_always = is_free & np.where(is_buy, is_high, is_low) & (left_wh > 0)
    is_left = ~is_always & (left_wh > 0) & ~(is_free & np.where(is_buy, is_low, is_high))
    always = np.flatnonzero(is_always)
    # The worst stands for all of them, and is still better than any price.
    worst_first = always[np.argsort(np.where(is_buy, 1, -1)[always] * orders.limit_price_ticks[always], kind="stable")]
    _, first, number = np.unique(2 * cell[worst_first] + is_buy[worst_first], return_index=True, return_inverse=True)
    together_wh = np.zeros(len(first), np.int64)
    np.add.at(together_wh, number, left_wh[worst_first])
    places = np.append(np.flatnonzero(is_left), worst_first[first])
    energy_wh = np.append(left_wh[is_left], together_wh)
    kept = replace(orders.at(places), energy_wh=energy_wh, minimum_fill_wh=minimum_wh[places])
    return derived(problem, orders=kept), places
