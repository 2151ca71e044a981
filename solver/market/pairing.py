"""Who delivers to whom: filled sells and filled buys laid along each other, locally first.

In every cell sells and buys are paired best price first, up to the smaller side. What a zone sells beyond
that leaves along its links, and the flows of an interval are cut into routes from exporting to importing
zones. All pairs of one route share it, so a pairing never changes a fill or a flow.

No owner is ever paired with itself. Such a pair exchanges partners with another pair whose route passes a
common zone; within one zone this succeeds whenever it is possible at all, that is when no owner's sold and
bought energy together exceed the zone's volume (every unit not the owner's own can take one of its units).
Pairs for which nobody is found are reported as stuck; `own_orders` decides what happens then.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from solver.market.merit_order import MeritOrder
from solver.market.network import net_export_wh
from solver.market.problem import ClearingProblem, Energy, Indices, Mask

Route = tuple[int, ...]  # zones passed, first where the energy is sold, last where it is bought


@dataclass(frozen=True, slots=True)
class Pairings:
    """Deliveries between two orders: index of the sell, index of the buy, Wh. Sums to the fills of each order."""

    sell: Indices
    buy: Indices
    energy_wh: Energy


@dataclass(frozen=True, slots=True)
class _Flows:
    """Energy by interval and route, local ones (a route of one zone) first; sorted by selling cell."""

    seller_cell: Indices
    buyer_cell: Indices
    energy_wh: Energy
    route: list[Route]


@dataclass(slots=True)
class _Pair:
    sell: int
    buy: int
    energy_wh: int
    route: Route


def pair(problem: ClearingProblem, merits: MeritOrder, fill_wh: Energy, flow_wh: Energy) -> tuple[Pairings, Pairings]:
    """Pair all fills. Returns the pairs and, apart, those stuck between two orders of one owner."""
    flows = _flows(problem, merits, fill_wh, flow_wh)
    sells, bought = _best_first(merits, fill_wh)
    sell_of, flow_of_sell, sold_wh = _along(fill_wh[sells], flows.energy_wh)
    by_buyer = np.lexsort((flows.seller_cell != flows.buyer_cell, flows.buyer_cell))  # Local first here too.
    buy_of, place, bought_wh = _along(fill_wh[bought], flows.energy_wh[by_buyer])
    regroup = _regroup(place, by_buyer)
    at_sell, at_buy, energy_wh = _along(sold_wh, bought_wh[regroup])
    sell, buy = sells[sell_of[at_sell]], bought[buy_of[regroup][at_buy]]
    is_own = problem.orders.owner[sell] == problem.orders.owner[buy]
    pairings = Pairings(sell=sell, buy=buy, energy_wh=energy_wh)
    if not is_own.any():
        return pairings, _chosen(pairings, is_own)
    return _exchange(problem, pairings, is_own, [flows.route[flow] for flow in flow_of_sell[at_sell]])


def _best_first(merits: MeritOrder, fill_wh: Energy) -> tuple[Indices, Indices]:
    """Filled sells and filled buys (order indices), by cell, best price first and earlier first."""
    is_filled = fill_wh[merits.order] > 0
    sells = merits.order[is_filled & ~merits.is_buy]
    cells = np.diff(merits.cell_start)
    from_cell_end = np.repeat(merits.cell_start[:-1] + merits.cell_start[1:] - 1, cells)
    backwards = from_cell_end - np.arange(len(merits.order))
    buys = merits.order[backwards[(is_filled & merits.is_buy)[backwards]]]
    return sells, buys


def _along(first_wh: Energy, second_wh: Energy) -> tuple[Indices, Indices, Energy]:
    """Cut two rows of pieces of equal total length at each other's ends: index of both, and Wh, per cut."""
    ends = np.concatenate((np.cumsum(first_wh), np.cumsum(second_wh)))
    by_end = np.argsort(ends, kind="stable")
    is_first = by_end < len(first_wh)
    first: Indices = np.cumsum(is_first) - is_first
    second = np.arange(len(by_end)) - first
    length = np.diff(ends[by_end], prepend=0)
    is_cut = length > 0
    return first[is_cut], second[is_cut], length[is_cut]


def _regroup(place: Indices, by_buyer: Indices) -> Indices:
    """Cuts, which lie in the sequence `by_buyer` of flows, in the flows' own sequence."""
    count = np.bincount(place, minlength=len(by_buyer))
    start = np.cumsum(count) - count
    at = np.empty(len(by_buyer), np.int64)
    at[by_buyer] = np.arange(len(by_buyer))
    count, start = count[at], start[at]
    return np.arange(len(place)) + np.repeat(start - np.cumsum(count) + count, count)


def _flows(problem: ClearingProblem, merits: MeritOrder, fill_wh: Energy, flow_wh: Energy) -> _Flows:
    net_wh = net_export_wh(problem, flow_wh)
    filled = fill_wh[merits.order] * ~merits.is_buy
    sold_wh = np.diff(np.concatenate(([0], np.cumsum(filled)))[merits.cell_start])
    local_wh = np.minimum(sold_wh, sold_wh - net_wh)
    cells = np.flatnonzero(local_wh)
    routes = list(_routes(problem, net_wh, flow_wh))
    seller = np.concatenate((cells, np.array([r[0] for r in routes], np.int64)))
    buyer = np.concatenate((cells, np.array([r[1] for r in routes], np.int64)))
    energy_wh = np.concatenate((local_wh[cells], np.array([r[2] for r in routes], np.int64)))
    route = [(zone,) for zone in (cells % problem.zones).tolist()] + [r[3] for r in routes]
    by_seller = np.argsort(seller, kind="stable")
    return _Flows(seller[by_seller], buyer[by_seller], energy_wh[by_seller], [route[i] for i in by_seller.tolist()])


def _routes(problem: ClearingProblem, net_wh: Energy, flow_wh: Energy) -> Iterator[tuple[int, int, int, Route]]:
    """Cut link flows into (selling cell, buying cell, Wh, route)."""
    start, end = problem.links.from_zone.tolist(), problem.links.to_zone.tolist()
    for interval in np.flatnonzero(flow_wh.any(axis=1)).tolist():
        first_cell = interval * problem.zones
        left = flow_wh[interval].tolist()
        leaving: list[list[int]] = [[] for _ in range(problem.zones)]
        for link in flow_wh[interval].nonzero()[0].tolist():
            leaving[start[link]].append(link)
        net = net_wh[first_cell : first_cell + problem.zones].tolist()
        for seller in range(problem.zones):
            while net[seller] > 0:
                energy_wh, route = _next_route(seller, net, left, leaving, end)
                yield first_cell + seller, first_cell + route[-1], energy_wh, route


def _next_route(
    seller: int, net: list[int], left: list[int], leaving: list[list[int]], end: list[int]
) -> tuple[int, Route]:
    """Follow what still leaves a zone to the first zone in need, and take as much as fits all the way."""
    energy_wh, zone, route, hops = net[seller], seller, [seller], []
    while net[zone] >= 0:
        link = leaving[zone][-1]
        energy_wh = min(energy_wh, left[link])
        zone = end[link]
        hops.append(link)
        route.append(zone)
    energy_wh = min(energy_wh, -net[zone])
    net[seller] -= energy_wh
    net[zone] += energy_wh
    for passed, link in zip(route, hops, strict=False):
        left[link] -= energy_wh
        if left[link] == 0:
            leaving[passed].pop()
    return energy_wh, tuple(route)


def _chosen(pairings: Pairings, chosen: Mask) -> Pairings:
    return Pairings(pairings.sell[chosen], pairings.buy[chosen], pairings.energy_wh[chosen])


def _exchange(
    problem: ClearingProblem, pairings: Pairings, is_own: Mask, route: list[Route]
) -> tuple[Pairings, Pairings]:
    """Resolve own pairs interval by interval; the others are left as they are."""
    interval = problem.orders.interval[pairings.sell]
    owner = problem.orders.owner.tolist()
    done: list[_Pair] = []
    stuck: list[_Pair] = []
    for number in np.unique(interval[is_own]):
        pairs = _pairs(pairings, np.flatnonzero(interval == number), route)
        _exchange_partners(owner, pairs)
        for each in pairs:
            (stuck if _is_own(owner, each) else done).append(each)
    kept = _chosen(pairings, ~np.isin(interval, interval[is_own]))
    return _joined(kept, _as_pairings(done)), _as_pairings(stuck)


def _pairs(pairings: Pairings, members: Indices, route: list[Route]) -> list[_Pair]:
    columns = (pairings.sell, pairings.buy, pairings.energy_wh)
    rows = zip(*(column[members].tolist() for column in columns), members.tolist(), strict=True)
    return [_Pair(sell, buy, energy_wh, route[member]) for sell, buy, energy_wh, member in rows]


def _joined(first: Pairings, second: Pairings) -> Pairings:
    return Pairings(
        sell=np.concatenate((first.sell, second.sell)),
        buy=np.concatenate((first.buy, second.buy)),
        energy_wh=np.concatenate((first.energy_wh, second.energy_wh)),
    )


def _is_own(owner: list[int], each: _Pair) -> bool:
    return owner[each.sell] == owner[each.buy]


def _as_pairings(pairs: list[_Pair]) -> Pairings:
    rows = np.array([(each.sell, each.buy, each.energy_wh) for each in pairs], np.int64).reshape(-1, 3)
    return Pairings(sell=rows[:, 0], buy=rows[:, 1], energy_wh=rows[:, 2])


def _exchange_partners(owner: list[int], pairs: list[_Pair]) -> None:
    """Let each own pair swap buyers with pairs that do not involve its owner, in place.

    Who was no partner for an owner's route never becomes one, so each search goes on where the last ended.
    """
    reached: dict[tuple[int, Route], int] = {}
    for own in [each for each in pairs if _is_own(owner, each)]:
        search = owner[own.sell], own.route
        place = reached.get(search, 0)
        while own.energy_wh > 0 and place < len(pairs):
            meeting = _meeting(owner, own, pairs[place])
            if meeting is None:
                place += 1
            else:
                _swap(pairs, own, pairs[place], meeting)
        reached[search] = place
    pairs[:] = [each for each in pairs if each.energy_wh > 0]


def _meeting(owner: list[int], own: _Pair, other: _Pair) -> int | None:
    """Zone in which an own pair can exchange buyers with another pair; None if it cannot."""
    if other.energy_wh == 0 or owner[own.sell] in (owner[other.sell], owner[other.buy]):
        return None
    return next((zone for zone in own.route if zone in other.route), None)


def _swap(pairs: list[_Pair], own: _Pair, other: _Pair, meeting: int) -> None:
    """Exchange the buyers of as much energy as both pairs have, each route changing over where they meet."""
    energy_wh = min(own.energy_wh, other.energy_wh)
    here, there = own.route.index(meeting), other.route.index(meeting)
    pairs.append(_Pair(own.sell, other.buy, energy_wh, own.route[:here] + other.route[there:]))
    pairs.append(_Pair(other.sell, own.buy, energy_wh, other.route[:there] + own.route[here:]))
    own.energy_wh -= energy_wh
    other.energy_wh -= energy_wh
