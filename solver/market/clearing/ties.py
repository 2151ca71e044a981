"""Who trades at equal prices in linked zones: of all optima the one that trades most, then by price, then by arrival.

The flow that `transfers` finds is some optimum; which one depends on the order of links. Let p be prices that support
it. All optima keep to the same p: an order that is better than its zone's price is filled, one that is worse is not, so
only orders whose limit is the price are *tied*; and energy moves between them only over links that p makes *tight*
(price at the end = price at the start + cost). The amounts that tied sells can get over tight links are a polymatroid,
those of tied buys another, and any best choice of one goes with any best choice of the other. So a greedy choice is the
best one: in order of price and arrival each order gets what a way over tight links brings it, from what is not traded
yet, or from orders behind it. That is at once the most energy, and a function of the orders alone.

Minimum fills: where the choice would leave an order short of its minimum, the tied orders that have one are first given
it, together with those ahead of them in their zone (time binds within a zone), and the choice goes on from there: an
order of another zone may so have to make room. If the minima do not all fit, nobody is given any, and `minimum_fill`
drops somebody. Tried are first the minima of orders that the plain choice reaches, then those of all tied orders.

A way that is found is the shortest. Once no way leads on from a zone, none ever does again, so that each zone is looked
at in vain once a side: the work grows with the tied orders and the links, not with their product.
"""

import numpy as np

from solver.machine_code import COLUMN, MASK, ROWS, TABLE, compiled
from solver.market.cells.merit_order import MeritOrder, energy_below
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Side, Ticks, Wh
from solver.market.flows.network import carried, net_export_wh

_SELL, _BUY = int(Side.SELL), int(Side.BUY)
_Queue = tuple[Indices, Indices]  # Places of orders, and their zones.
# From and to where links lead; numbers of links by start, and the first leaving each zone; the same by end.
_Ways = tuple[Indices, Indices, Indices, Indices, Indices, Indices]
_Net = tuple[Mask, Wh, Wh, _Ways]  # Of each link whether it is tight, what flows, what may flow; and where it leads.
_REACHED, _TIED = 1, 2  # Whose minimum fills are given first, where nobody's is not enough.


def by_arrival(problem: ClearingProblem, merits: MeritOrder, flow_wh: Wh, price_ticks: Ticks) -> Wh:
    """Flows of the optimum in which ties are so settled, given those of any, and prices that support it."""
    links, minimum_wh = problem.links, problem.orders.minimum_fill_wh
    if flow_wh.size == 0 or len(problem.orders) == 0:
        return flow_wh
    settled_wh = flow_wh.copy()
    zones = np.arange(problem.zones + 1)
    by_start, by_end = np.argsort(links.from_zone, kind="stable"), np.argsort(links.to_zone, kind="stable")
    _settle(
        merits.order,
        merits.is_buy,
        merits.energy_wh,
        merits.end_wh,
        merits.limit_price_ticks,
        merits.cell_start,
        merits.base_wh + merits.demand_wh + net_export_wh(problem, flow_wh),
        problem.orders.sequence,
        np.zeros(0, np.int64) if minimum_wh is None else minimum_wh,
        links.from_zone,
        links.to_zone,
        links.cost_ticks,
        by_start,
        np.searchsorted(links.from_zone[by_start], zones),
        by_end,
        np.searchsorted(links.to_zone[by_end], zones),
        np.ascontiguousarray(price_ticks),
        np.ascontiguousarray(problem.capacity_wh),
        settled_wh,
    )
    return carried(problem, settled_wh, np.flatnonzero((settled_wh != flow_wh).any(axis=1)))


@compiled("void", COLUMN, MASK, *[COLUMN] * 14, ROWS, ROWS, TABLE)
def _settle(
    order: Indices,
    is_buy: Mask,
    energy_wh: Wh,
    end_wh: Wh,
    limit: Ticks,
    cell_start: Indices,
    position_wh: Wh,
    sequence: Indices,
    minimum_wh: Wh,
    from_zone: Indices,
    to_zone: Indices,
    cost: Ticks,
    by_start: Indices,
    first_leaving: Indices,
    by_end: Indices,
    first_entering: Indices,
    price: Ticks,
    capacity_wh: Wh,
    flow_wh: Wh,
) -> None:
    """Settle the ties of all intervals, in place."""
    zones = price.shape[1]
    tight = np.empty(len(from_zone), np.bool_)
    level = np.empty((zones, 3), np.int64)  # Of each zone's tied orders the first sell, the first buy, and the end.
    total, used, least = np.empty((2, zones), np.int64), np.empty((2, zones), np.int64), np.zeros((2, zones), np.int64)
    ways = (from_zone, to_zone, by_start, first_leaving, by_end, first_entering)
    for interval in range(len(price)):
        flow, room = flow_wh[interval], capacity_wh[interval]
        if not _find_tight(price[interval], from_zone, to_zone, cost, room, tight):
            continue
        first_cell = interval * zones
        _find_tied(
            first_cell, price[interval], is_buy, energy_wh, end_wh, limit, cell_start, position_wh, level, total, used
        )
        if not _is_any_choice(tight, from_zone, to_zone, total, used):
            continue
        sells = _queue(_SELL, level, order, limit, sequence)
        buys = _queue(_BUY, level, order, limit, sequence)
        net = (tight, flow, room, ways)
        before_wh, used_before = flow.copy(), used.copy()
        least[:] = 0
        _serve(_SELL, sells, energy_wh, total, used, least, net)
        _serve(_BUY, buys, energy_wh, total, used, least, net)
        if len(minimum_wh) == 0 or not _is_any_short(sells, buys, order, energy_wh, minimum_wh, used):
            continue
        plain_wh, used_plain = flow.copy(), used.copy()
        for whose in (_REACHED, _TIED):
            flow[:] = before_wh
            used[:] = used_before
            _bound(_SELL, sells, whose, order, energy_wh, minimum_wh, used_plain, least)
            _bound(_BUY, buys, whose, order, energy_wh, minimum_wh, used_plain, least)
            if (
                _serve(_SELL, sells, energy_wh, total, used, least, net)
                and _serve(_BUY, buys, energy_wh, total, used, least, net)
                and not _is_any_short(sells, buys, order, energy_wh, minimum_wh, used)
            ):
                break
        else:
            flow[:] = plain_wh


@compiled()
def _find_tight(price: Ticks, from_zone: Indices, to_zone: Indices, cost: Ticks, room: Wh, tight: Mask) -> bool:
    """Mark the links over which energy can move at these prices; whether there are any."""
    is_any = False
    for link in range(len(from_zone)):
        tight[link] = room[link] > 0 and price[from_zone[link]] + cost[link] == price[to_zone[link]]
        is_any |= tight[link]
    return is_any


@compiled()
def _find_tied(
    first_cell: int,
    price: Ticks,
    is_buy: Mask,
    energy_wh: Wh,
    end_wh: Wh,
    limit: Ticks,
    cell_start: Indices,
    position_wh: Wh,
    level: Indices,
    total: Wh,
    used: Wh,
) -> None:
    """Find the orders at each zone's price, by side their energy and what of it trades."""
    for zone in range(len(price)):
        cell = first_cell + zone
        start, stop, position = cell_start[cell], cell_start[cell + 1], position_wh[cell]
        first = last = start + np.searchsorted(end_wh[start:stop], position, "right")
        while first > start and limit[first - 1] == price[zone]:
            first -= 1
        while last < stop and limit[last] == price[zone]:
            last += 1
        level[zone] = first
        total[:, zone] = 0
        used[:, zone] = 0
        for place in range(first, last):
            side = int(is_buy[place])
            below = energy_below(energy_wh[place], end_wh[place], position)
            total[side, zone] += energy_wh[place]
            used[side, zone] += energy_wh[place] - below if side else below
            level[zone, 1] += 1 - side
        level[zone, 2] = last


@compiled()
def _is_any_choice(tight: Mask, from_zone: Indices, to_zone: Indices, total: Wh, used: Wh) -> bool:
    """Whether among zones that tight links join there are two with tied orders, not all of which trade in full."""
    zones = total.shape[1]
    joined = np.arange(zones)
    for link in range(len(tight)):
        if tight[link]:
            joined[_first(joined, to_zone[link])] = _first(joined, from_zone[link])
    tied, is_open = np.zeros(zones, np.int64), np.zeros(zones, np.bool_)
    for zone in range(zones):
        group = _first(joined, zone)
        tied[group] += total[_SELL, zone] + total[_BUY, zone] > 0
        is_open[group] |= used[_SELL, zone] < total[_SELL, zone] or used[_BUY, zone] < total[_BUY, zone]
    return bool((is_open & (tied > 1)).any())


@compiled()
def _first(joined: Indices, zone: int) -> int:
    """The zone that stands for all that are joined to one."""
    while joined[zone] != zone:
        joined[zone] = joined[joined[zone]]
        zone = joined[zone]
    return zone


@compiled()
def _queue(side: int, level: Indices, order: Indices, limit: Ticks, sequence: Indices) -> tuple[Indices, Indices]:
    """Places of all tied orders of one side by price and arrival, and the zones that they are in."""
    count = (level[:, 1 + side] - level[:, side]).sum()
    place, zone = np.empty(count, np.int64), np.empty(count, np.int64)
    arrived, badness = np.empty(count, np.int64), np.empty(count, np.int64)
    at = 0
    for here in range(len(level)):
        for each in range(level[here, side], level[here, 1 + side]):
            place[at], zone[at], arrived[at] = each, here, sequence[order[each]]
            badness[at] = limit[each] * (1 - 2 * side)
            at += 1
    by_arrival = np.argsort(arrived)
    ranked = by_arrival[np.argsort(badness[by_arrival], kind="mergesort")]
    return place[ranked], zone[ranked]


@compiled()
def _is_any_short(sells: _Queue, buys: _Queue, order: Indices, energy_wh: Wh, minimum_wh: Wh, used: Wh) -> bool:
    """Whether a tied order trades less than its minimum fill, but something."""
    return _is_short(_SELL, sells, order, energy_wh, minimum_wh, used) or _is_short(
        _BUY, buys, order, energy_wh, minimum_wh, used
    )


@compiled()
def _is_short(side: int, queue: _Queue, order: Indices, energy_wh: Wh, minimum_wh: Wh, used: Wh) -> bool:
    ahead = np.zeros(used.shape[1], np.int64)
    for place, zone in zip(queue[0], queue[1]):  # noqa: B905 - not known to numba.
        if ahead[zone] < used[side, zone] < ahead[zone] + minimum_wh[order[place]]:
            return True
        ahead[zone] += energy_wh[place]
    return False


@compiled()
def _bound(
    side: int, queue: _Queue, whose: int, order: Indices, energy_wh: Wh, minimum_wh: Wh, used: Wh, least: Wh
) -> None:
    """What each zone must trade for the minimum fills of its tied orders, or of those that `used` reaches."""
    ahead = np.zeros(used.shape[1], np.int64)
    least[side] = 0
    for place, zone in zip(queue[0], queue[1]):  # noqa: B905 - not known to numba.
        minimum = minimum_wh[order[place]]
        if minimum > 0 and (whose == _TIED or ahead[zone] < used[side, zone]):
            least[side, zone] = ahead[zone] + minimum
        ahead[zone] += energy_wh[place]


@compiled()
def _serve(side: int, queue: _Queue, energy_wh: Wh, total: Wh, used: Wh, least: Wh, net: _Net) -> bool:
    """Give the tied orders of a side what they can get, each after those ahead of it; False if minima do not fit."""
    zones = used.shape[1]
    kept, served = np.zeros(zones, np.int64), np.zeros(zones, np.int64)
    is_closed = np.zeros(zones, np.bool_)
    for zone in range(zones):
        if least[side, zone] > 0:
            if not _raise(side, zone, least[side, zone], total, used, kept, is_closed, net):
                return False
            kept[zone] = least[side, zone]
    for place, zone in zip(queue[0], queue[1]):  # noqa: B905 - not known to numba.
        wanted = served[zone] + energy_wh[place]
        _raise(side, zone, wanted, total, used, kept, is_closed, net)
        served[zone] = min(wanted, used[side, zone])
        kept[zone] = max(kept[zone], served[zone])
    return True


@compiled()
def _raise(side: int, zone: int, wanted: int, total: Wh, used: Wh, kept: Wh, is_closed: Mask, net: _Net) -> bool:
    """Let a zone trade so much of a side, at the cost of what is not kept elsewhere; whether it does."""
    while used[side, zone] < wanted and not is_closed[zone]:
        kept[zone] = max(kept[zone], used[side, zone])
        _push(side, zone, wanted - used[side, zone], total, used, kept, is_closed, net)
    return bool(used[side, zone] >= wanted)


@compiled()
def _push(side: int, start: int, wanted: int, total: Wh, used: Wh, kept: Wh, is_closed: Mask, net: _Net) -> None:
    """Trade more in a zone along one shortest way, or close all zones that can be reached from it.

    Energy of a sell leaves the zone, that of a buy comes to it; the way ends where energy of the other side is not
    traded yet, or where energy of the same side is traded and not kept.
    """
    tight, flow, room, (from_zone, to_zone, by_start, first_leaving, by_end, first_entering) = net
    zones = len(kept)
    came_by = np.full(zones, -1, np.int64)
    reached = np.empty(zones, np.int64)
    is_reached = np.zeros(zones, np.bool_)
    reached[0], count, at = start, 1, 0
    is_reached[start] = True
    while at < count:
        zone = reached[at]
        at += 1
        spare = total[1 - side, zone] - used[1 - side, zone]
        taken = used[side, zone] - kept[zone]
        if spare + taken > 0:
            _move(side, start, zone, min(wanted, spare + taken), spare, used, came_by, net)
            return
        for number in range(first_leaving[zone], first_leaving[zone + 1]):
            link = by_start[number]
            is_way = tight[link] and (flow[link] < room[link] if side == _SELL else flow[link] > 0)
            other = to_zone[link]
            if is_way and not is_reached[other] and not is_closed[other]:
                is_reached[other], came_by[other], reached[count] = True, link, other
                count += 1
        for number in range(first_entering[zone], first_entering[zone + 1]):
            link = by_end[number]
            is_way = tight[link] and (flow[link] > 0 if side == _SELL else flow[link] < room[link])
            other = from_zone[link]
            if is_way and not is_reached[other] and not is_closed[other]:
                is_reached[other], came_by[other], reached[count] = True, link, other
                count += 1
    for zone in reached[:count]:
        is_closed[zone] = True


@compiled()
def _move(side: int, start: int, end: int, most: int, spare: int, used: Wh, came_by: Indices, net: _Net) -> None:
    """Move energy along the way from one zone to another that `came_by` tells."""
    _, flow, room, (from_zone, to_zone, _, _, _, _) = net
    zone = end
    while zone != start:
        link = came_by[zone]
        is_more = (to_zone[link] == zone) == (side == _SELL)
        most = min(most, room[link] - flow[link] if is_more else flow[link])
        zone = from_zone[link] if to_zone[link] == zone else to_zone[link]
    zone = end
    while zone != start:
        link = came_by[zone]
        is_more = (to_zone[link] == zone) == (side == _SELL)
        flow[link] += most if is_more else -most
        zone = from_zone[link] if to_zone[link] == zone else to_zone[link]
    used[side, start] += most
    new = min(most, spare)
    used[1 - side, end] += new
    used[side, end] -= most - new
