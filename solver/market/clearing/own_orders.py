"""No owner trades with itself: what only its own counter-order could take is withdrawn.

An owner may have sells and buys in one interval, and the merit order alone may let them meet. Usually others can be
paired in between (`pairing`) and nothing changes. Within a zone that fails only where one owner dominates: where its
sold and bought energy together exceed the volume. The largest welfare under "not with itself" has then, in general, no
uniform price. Example: owner A sells 1 @ 1 and buys 1 @ 6, others buy 1 @ 2 and sell 1 @ 5. A -> other and other -> A
gains 2, but one price cannot be at most 2 and at least 5; A would have to buy at 5 what its neighbour gets for 2.

Decision, 2026-11-20: prices stay uniform. The interval is cleared again as if part of the owner's orders had not been
placed, and of three parts the one is withdrawn that leaves the most welfare (the first, if equal): its buys where it
meets itself; its sells there; on both sides what others do not take at the best single price. Everybody else's orders
stay, and are served by price and time at one price. Consequence: within one zone no uniform price allows more welfare
(`tests` search them all). Between zones the result is optimal for the orders that are left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from solver.market.cells.joint import blocks
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Orders, Side, Ticks, Wh
from solver.market.clearing.optimum import part_of
from solver.market.clearing.outcome import Outcome, outcome

Exact: TypeAlias = NDArray[np.object_]  # Python integers, which no product overflows.

# Takes a problem, its optimum and what is left of each order, and takes away from that in place.
Cut = Callable[[ClearingProblem, Outcome, Wh], None]


def withdrawn_wh(problem: ClearingProblem, intervals: Indices) -> Wh:
    """Energy to withdraw from each order so that no owner meets itself in the given intervals, Wh."""
    withdrawn = np.zeros(len(problem.orders), np.int64)
    block = blocks(problem)
    for number in np.unique(block[intervals]).tolist():
        members, part = part_of(problem, np.flatnonzero(block == number))
        withdrawn[members] = _least_harmful_cut(part)
    return withdrawn


def apart(problem: ClearingProblem, left_wh: Wh) -> tuple[Wh, Outcome]:
    """What is left of each order once nobody meets itself, Wh, and the outcome of that.

    Withdrawing was tried for each part of the market alone. Among equal optima of the whole another may be taken than
    of a part, by which an owner may meet itself again: then its buys go.
    """
    left_wh = left_wh.copy()
    while True:
        best = outcome(problem, left_wh)
        if len(best.stuck.sell) == 0:
            return left_wh, best
        _buys(problem, best, left_wh)


def _least_harmful_cut(problem: ClearingProblem) -> Wh:
    results = [_after(problem, cut) for cut in (_buys, _sells, _beyond_the_best_price)]
    return max(results, key=lambda result: result[1])[0]


def _after(problem: ClearingProblem, cut: Cut) -> tuple[Wh, int]:
    """Cut, then withdraw buys while an owner still meets itself: energy withdrawn, and the welfare left."""
    left_wh = problem.orders.energy_wh.copy()
    while True:
        best = outcome(problem, left_wh)
        if len(best.stuck.sell) == 0:
            return problem.orders.energy_wh - left_wh, sum(best.welfare_ticks_wh)
        cut(problem, best, left_wh)
        cut = _sells if cut is _sells else _buys  # Each ends the search: it takes a whole side away.


def _buys(problem: ClearingProblem, best: Outcome, left_wh: Wh) -> None:
    left_wh[_beside(problem, best.stuck.buy)] = 0


def _sells(problem: ClearingProblem, best: Outcome, left_wh: Wh) -> None:
    left_wh[_beside(problem, best.stuck.sell)] = 0


def _beside(problem: ClearingProblem, chosen: Indices) -> Mask:
    """Orders of the same owner, cell and side as one of the chosen."""
    orders, of_order = problem.orders, problem.cell
    is_beside = np.zeros(len(orders), np.bool_)
    for owner, cell, side in {(orders.owner[at], of_order[at], orders.side[at]) for at in chosen.tolist()}:
        is_beside |= (orders.owner == owner) & (of_order == cell) & (orders.side == side)
    return is_beside


def _beyond_the_best_price(problem: ClearingProblem, best: Outcome, left_wh: Wh) -> None:
    """Limit an owner's sells to what others buy, and its buys to what others sell, at the best price for it.

    Seen are the orders of the zone in which the owner meets itself, or of all zones if it does so over links.
    """
    orders, of_order = problem.orders, problem.cell
    meetings = zip(best.stuck.sell.tolist(), best.stuck.buy.tolist(), strict=True)
    for owner, sold, bought in {(orders.owner[s], of_order[s], of_order[b]) for s, b in meetings}:
        is_seen = (of_order == sold) if sold == bought else orders.interval == sold // problem.zones
        curves = {
            (is_own, side): _Curve.of(orders, is_seen & ((orders.owner == owner) == is_own) & (orders.side == side))
            for is_own in (True, False)
            for side in Side
        }
        sold_wh, bought_wh = _at_best_price(
            curves[True, Side.SELL], curves[True, Side.BUY], curves[False, Side.SELL], curves[False, Side.BUY]
        )
        curves[True, Side.SELL].limit(left_wh, sold_wh)
        curves[True, Side.BUY].limit(left_wh, bought_wh)


@dataclass(frozen=True, slots=True)
class _Curve:
    """Orders of one side from best to worst: places, limits as a cost (buys negated), and sums up to each."""

    order: Indices
    cost_ticks: Ticks
    end_wh: Wh
    end_ticks_wh: Exact

    @staticmethod
    def of(orders: Orders, is_chosen: Mask) -> "_Curve":
        order = np.flatnonzero(is_chosen)
        cost_ticks = np.where(orders.side[order] == Side.BUY, -1, 1) * orders.limit_price_ticks[order]
        order, cost_ticks = _sorted(order, cost_ticks, orders.sequence[order])
        energy_wh = orders.energy_wh[order]
        ticks_wh = np.cumsum(cost_ticks.astype(object) * energy_wh.astype(object))
        return _Curve(order, cost_ticks, np.append(0, np.cumsum(energy_wh)), np.append(0, ticks_wh).astype(object))

    def reached_wh(self, cost_ticks: Ticks, *, also_equal: bool) -> Wh:
        """Energy offered below each cost, or up to it."""
        return self.end_wh[np.searchsorted(self.cost_ticks, cost_ticks, "right" if also_equal else "left")]

    def total_ticks_wh(self, energy_wh: Wh) -> Exact:
        """Cost of the best so much energy."""
        if len(self.order) == 0:
            return np.zeros(len(energy_wh), np.object_)
        last = np.maximum(np.searchsorted(self.end_wh, energy_wh, "left") - 1, 0)
        beyond_wh = (energy_wh - self.end_wh[last]).astype(object)
        total: Exact = self.end_ticks_wh[last] + self.cost_ticks[last].astype(object) * beyond_wh
        return total

    def limit(self, left_wh: Wh, total_wh: int) -> None:
        """Leave the best so much energy of these orders, in place."""
        left_wh[self.order] = np.minimum(
            left_wh[self.order], np.clip(total_wh - self.end_wh[:-1], 0, np.diff(self.end_wh))
        )


def _sorted(order: Indices, cost_ticks: Ticks, sequence: Indices) -> tuple[Indices, Ticks]:
    by_rank = np.lexsort((sequence, cost_ticks))
    return order[by_rank], cost_ticks[by_rank]


def _at_best_price(own_sells: _Curve, own_buys: _Curve, sells: _Curve, buys: _Curve) -> tuple[int, int]:
    """Energy an owner sells to others, and buys from them, at the single price with the most welfare.

    A price is possible if the owner can serve every other order that is strictly better than it; orders at
    the price itself are served as far as it can.
    """
    price = np.unique(np.concatenate((own_sells.cost_ticks, -own_buys.cost_ticks, sells.cost_ticks, -buys.cost_ticks)))
    can_sell_wh = own_sells.reached_wh(price, also_equal=True)
    can_buy_wh = own_buys.reached_wh(-price, also_equal=True)
    is_possible = (can_sell_wh >= buys.reached_wh(-price, also_equal=False)) & (
        can_buy_wh >= sells.reached_wh(price, also_equal=False)
    )
    if not is_possible.any():  # Seen over links, the owner may dominate nowhere in particular.
        return int(own_sells.end_wh[-1]), int(own_buys.end_wh[-1])
    price, can_sell_wh, can_buy_wh = price[is_possible], can_sell_wh[is_possible], can_buy_wh[is_possible]
    sold_wh = np.minimum(can_sell_wh, buys.reached_wh(-price, also_equal=True))
    bought_wh = np.minimum(can_buy_wh, sells.reached_wh(price, also_equal=True))
    cost = (
        own_sells.total_ticks_wh(sold_wh)
        + buys.total_ticks_wh(sold_wh)
        + own_buys.total_ticks_wh(bought_wh)
        + sells.total_ticks_wh(bought_wh)
    )
    best = int(np.argmin(cost))
    return int(sold_wh[best]), int(bought_wh[best])
