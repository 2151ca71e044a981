"""What an order could have had: the best price within its reach, and who of its own price came before it elsewhere.

An order that got nothing is told why by its own zone. Where zones are linked that is not all of it: its limit may have
been met, and the energy have gone to another zone, to a better limit or to an earlier order of the same one. All this
is read from the network that ties are settled in (`ties`): orders at their zone's price, and links that are tight.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from solver.market.cells.merit_order import UNBOUNDED_TICKS
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Side, Ticks
from solver.market.clearing.clearing import Clearing
from solver.market.clearing.optimum import part_of
from solver.market.flows.network import cheapest_routes, dearest_routes

Group = tuple[int, int, int]  # Interval, zone and side.


@dataclass(frozen=True, slots=True)
class Reach:
    """What each order met, as far as orders were not filled; one entry per order of the problem.

    offered_ticks: the best limit of the other side that reaches it, the cost of the way included, within the capacity
    that links had; +-UNBOUNDED_TICKS where none does. free_ticks: the same without those left out for their minimum.
    is_own_only: whether its limit is met by its owner's orders alone (only looked at where nothing was traded).
    last_equal: of its side and limit, the last to arrive of those that trade in its place; -1 where none does.
    made_room: whether it came before that one, which trades for the sake of a minimum fill.
    """

    offered_ticks: Ticks
    free_ticks: Ticks
    is_own_only: Mask
    last_equal: Indices
    made_room: Mask

    def is_met(self, problem: ClearingProblem, best_ticks: Ticks) -> Mask:
        """Whether each order's limit is as good as a price, ticks."""
        limit = problem.orders.limit_price_ticks
        met: Mask = np.where(problem.orders.side == Side.BUY, limit >= best_ticks, limit <= best_ticks)
        return met


def reach(problem: ClearingProblem, clearing: Clearing) -> Reach:
    """What the orders of a cleared problem could have had."""
    everybody = np.ones(len(problem.orders), np.bool_)
    offered = _offered(problem, everybody)
    last_equal = _last_equal(problem, clearing)
    found = Reach(
        offered_ticks=offered,
        free_ticks=_offered(problem, ~clearing.is_dropped) if clearing.is_dropped.any() else offered,
        is_own_only=np.zeros(len(problem.orders), np.bool_),
        last_equal=last_equal,
        made_room=_made_room(problem, clearing, last_equal),
    )
    found.is_own_only[list(_own_only(problem, clearing, found))] = True
    return found


def _offered(problem: ClearingProblem, is_chosen: Mask) -> Ticks:
    """The best limit of the chosen orders of the other side that reaches each order."""
    orders, shape = problem.orders, (problem.intervals, problem.zones)
    is_buy = orders.side == Side.BUY
    sells, buys = np.full(shape, UNBOUNDED_TICKS), np.full(shape, -UNBOUNDED_TICKS)
    np.minimum.at(sells.ravel(), problem.cell[is_chosen & ~is_buy], orders.limit_price_ticks[is_chosen & ~is_buy])
    np.maximum.at(buys.ravel(), problem.cell[is_chosen & is_buy], orders.limit_price_ticks[is_chosen & is_buy])
    for_buys, for_sells = cheapest_routes(problem, sells), dearest_routes(problem, buys)
    offered: Ticks = np.where(is_buy, for_buys.ravel()[problem.cell], for_sells.ravel()[problem.cell])
    return offered


def _own_only(problem: ClearingProblem, clearing: Clearing, found: Reach) -> Iterator[int]:
    """Orders where nothing was traded, whose limit is met, but not by anybody else."""
    orders = problem.orders
    is_idle = (clearing.fill_wh == 0) & ~clearing.is_traded.ravel()[problem.cell]
    asked = is_idle & found.is_met(problem, found.offered_ticks)
    for interval in np.unique(orders.interval[asked]).tolist():
        members, part = part_of(problem, np.array([interval]))
        owner, side = part.orders.owner, part.orders.side
        both = np.intersect1d(owner[side == Side.BUY], owner[side == Side.SELL])
        for each in np.intersect1d(both, owner[asked[members]]).tolist():
            met = found.is_met(part, _offered(part, owner != each))
            yield from members[asked[members] & (owner == each) & ~met].tolist()


def _last_equal(problem: ClearingProblem, clearing: Clearing) -> Indices:
    """Of each order at its zone's price that is not filled, the last to arrive of its side and limit that is served.

    Seen are its own zone and those from which energy could come to it instead, or to which its own could go.
    """
    orders, cell = problem.orders, problem.cell
    price = clearing.prices.supporting_ticks
    is_tied = orders.limit_price_ticks == price.ravel()[cell]
    served = np.flatnonzero(is_tied & (clearing.fill_wh > 0))
    served = served[np.argsort(orders.sequence[served])]
    columns = (orders.interval[served], orders.zone[served], orders.side[served])
    groups = zip(*(column.tolist() for column in columns), strict=True)
    last: dict[Group, int] = dict(zip(groups, served.tolist(), strict=True))
    waiting = np.flatnonzero(is_tied & (clearing.fill_wh < orders.energy_wh) & ~clearing.is_dropped)
    key = 2 * cell[waiting] + orders.side[waiting]
    found = np.full(len(orders), -1)
    for group in np.unique(key).tolist() if last else ():
        interval, zone, side = group // 2 // problem.zones, group // 2 % problem.zones, group % 2
        rivals = [
            last[interval, other, side]
            for other in _replaceable(problem, clearing, interval, zone, side)
            if (interval, other, side) in last and price[interval, other] == price[interval, zone]
        ]
        if rivals:
            found[waiting[key == group]] = max(rivals, key=lambda order: int(orders.sequence[order]))
    return found


def _replaceable(problem: ClearingProblem, clearing: Clearing, interval: int, zone: int, side: int) -> set[int]:
    """Zones whose orders of a side could be served instead of, or displaced by, those of one, at no loss."""
    links, price = problem.links, clearing.prices.supporting_ticks[interval]
    flow, room = clearing.flow_wh[interval], problem.capacity_wh[interval]
    tight = np.flatnonzero((room > 0) & (price[links.from_zone] + links.cost_ticks == price[links.to_zone]))
    start, end = links.from_zone[tight], links.to_zone[tight]
    forth, back = flow[tight] < room[tight], flow[tight] > 0  # Energy may go with the link, or stay where it came from.
    ways = [*zip(start[forth].tolist(), end[forth].tolist(), strict=True)]
    ways += zip(end[back].tolist(), start[back].tolist(), strict=True)
    seen, last = {zone}, set[int]()
    while seen != last:
        last = set(seen)
        seen |= {a for a, b in ways if b in last} if side == Side.BUY else {b for a, b in ways if a in last}
    return seen


def _made_room(problem: ClearingProblem, clearing: Clearing, last_equal: Indices) -> Mask:
    """Orders that wait though one of their limit that came later is served, where minimum fills decide so."""
    orders, minimum_wh = problem.orders, problem.orders.minimum_fill_wh
    if minimum_wh is None:
        return np.zeros(len(orders), np.bool_)
    has_minima = np.bincount(orders.interval, weights=minimum_wh > 0, minlength=problem.intervals) > 0
    is_earlier = orders.sequence < orders.sequence[last_equal]
    is_whole = clearing.withdrawn_wh == 0
    made_room: Mask = (last_equal >= 0) & is_earlier & is_whole & has_minima[orders.interval]
    return made_room
