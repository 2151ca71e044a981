"""No owner trades with itself: what only its own counter-order could take is withdrawn.

Decision (2026-11-20). Context: an owner may have sells and buys in one interval, and the merit order alone
may let them meet. Usually others can be paired in between (`pairing`) and nothing changes. It cannot be
avoided only where one owner dominates, in one zone: where its sold and bought energy exceed the volume.
The largest welfare under "not with itself" has then, in general, no uniform price. Example: owner A sells
1 @ 1 and buys 1 @ 6, others buy 1 @ 2 and sell 1 @ 5. A -> other and other -> A gains 2, but one price
cannot be at most 2 and at least 5; A would have to buy at 5 what its neighbour gets for 2.
Decision: prices stay uniform. Of such an owner the orders of *one* side are cut to what others can serve,
and the interval is cleared again as if the rest had not been placed. The side is the one whose cutting
leaves more welfare (the buys, if equal). Everybody else's orders stay, by price and time, at one price.
Consequence: the welfare is the largest for the orders not withdrawn, and at most that of the example's kind
of solution; `tests` hold it between the two.
"""

from dataclasses import replace

import numpy as np

from solver.market.optimum import optimum, welfare_ticks_wh
from solver.market.problem import ClearingProblem, Energy, Indices, Side

# After this many cuts the whole side of an owner that still meets itself is withdrawn; so the search ends.
CUTS_MAX = 8


def withdrawn_wh(problem: ClearingProblem, intervals: Indices) -> Energy:
    """Energy to withdraw from each order so that no owner meets itself in the given intervals, Wh."""
    withdrawn = np.zeros(len(problem.orders), np.int64)
    for interval in intervals.tolist():
        members = np.flatnonzero(problem.orders.interval == interval)
        withdrawn[members] = _least_harmful_cut(_one_interval(problem, interval, members))
    return withdrawn


def _one_interval(problem: ClearingProblem, interval: int, members: Indices) -> ClearingProblem:
    return replace(
        problem,
        intervals=1,
        orders=replace(problem.orders.at(members), interval=np.zeros(len(members), np.int64)),
        links=replace(problem.links, capacity_wh=problem.capacity_wh[interval]),
    )


def _least_harmful_cut(problem: ClearingProblem) -> Energy:
    by_buys, welfare_by_buys = _cut(problem, Side.BUY)
    by_sells, welfare_by_sells = _cut(problem, Side.SELL)
    return by_buys if welfare_by_buys >= welfare_by_sells else by_sells


def _cut(problem: ClearingProblem, side: Side) -> tuple[Energy, int]:
    """Cut owners' orders on one side until none meets itself: energy withdrawn, and the welfare left."""
    orders = problem.orders
    left_wh, cuts = orders.energy_wh.copy(), 0
    while True:
        best = optimum(problem, left_wh)
        if len(best.stuck.sell) == 0:
            return orders.energy_wh - left_wh, welfare_ticks_wh(problem, best.fill_wh, best.flow_wh)
        is_cut = (orders.side == side) & np.isin(orders.owner, orders.owner[best.stuck.sell])
        left_wh[is_cut] = 0
        if cuts < CUTS_MAX:
            left_wh[is_cut] = best.fill_wh[is_cut]
            np.subtract.at(left_wh, best.stuck.buy if side is Side.BUY else best.stuck.sell, best.stuck.energy_wh)
        cuts += 1
