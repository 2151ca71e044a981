"""Intervals joined by shared orders, cleared as one interval of more zones.

An order that trades its energy in any of several intervals makes them one market. Zone z of interval t becomes a
zone of its own, links and all, and each shared order another, which holds the order once, with all its energy:

    sell: its zone -> its cell in each of its intervals        buy: cell -> its zone

by local links as wide as the order is open in that interval. So the flow problem spreads the energy for the largest
welfare of all intervals together, and prices follow from its residual network: wherever a shared order trades it
does so at one price, the best it could get, and no interval has a better one for it.
"""

from dataclasses import dataclass, replace

import numpy as np

from solver.market.cells.problem import ClearingProblem, Indices, Links, Mask, Orders, Side, derived


@dataclass(frozen=True, slots=True)
class Joint:
    """`problem` has one interval: the zones of `intervals` one after another, then a zone per shared order.

    Its orders are `alone` (places in the orders it was made from), then one per shared order; its links those of all
    intervals one after another, then one per entry of a shared order (`entry`, places likewise).
    """

    problem: ClearingProblem
    intervals: Indices
    alone: Indices
    entry: Indices


def blocks(problem: ClearingProblem) -> Indices:
    """A number for each interval, ascending; intervals that shared orders tie together have the same."""
    is_end = np.ones(problem.intervals, np.int64)
    if problem.orders.shared is not None:
        first, last = _spans(problem.orders, problem.orders.shared)
        ties = np.zeros(problem.intervals + 1, np.int64)
        np.add.at(ties, first, 1)
        np.subtract.at(ties, last, 1)
        is_end = (np.cumsum(ties)[:-1] == 0).astype(np.int64)
    number: Indices = np.cumsum(is_end) - is_end
    return number


def _spans(orders: Orders, shared: Indices) -> tuple[Indices, Indices]:
    """First and last interval of each shared order."""
    chosen = np.flatnonzero(shared >= 0)
    by_order = chosen[np.lexsort((orders.interval[chosen], shared[chosen]))]
    start = np.flatnonzero(np.diff(shared[by_order], prepend=-1))
    interval = orders.interval[by_order]
    return interval[start], interval[np.append(start[1:], len(by_order))[: len(start)] - 1]


def has_shared(orders: Orders) -> bool:
    """Whether any entry belongs to a shared order."""
    return orders.shared is not None and bool((orders.shared >= 0).any())


def joint(problem: ClearingProblem, intervals: Indices) -> Joint:
    """Join the chosen intervals, which hold every entry of each shared order that they hold any of."""
    orders, shared = problem.orders, problem.orders.shared
    assert shared is not None, "nothing is shared"
    place = np.full(problem.intervals, -1)
    place[intervals] = np.arange(len(intervals))
    is_here = place[orders.interval] >= 0
    alone, entry = np.flatnonzero(is_here & (shared < 0)), np.flatnonzero(is_here & (shared >= 0))
    entry = entry[np.argsort(orders.sequence[entry])]
    number, count = _by_arrival(shared[entry])
    cells = len(intervals) * problem.zones
    cell = place[orders.interval] * problem.zones + orders.zone
    return Joint(
        problem=derived(
            problem,
            intervals=1,
            zones=cells + count,
            orders=_orders(orders, alone, cell[alone], _whole(orders, entry, number, count), cells),
            links=_links(problem, intervals, cell[entry], orders.side[entry] == Side.BUY, cells + number, entry),
        ),
        intervals=intervals,
        alone=alone,
        entry=entry,
    )


def _by_arrival(shared: Indices) -> tuple[Indices, int]:
    """Shared orders numbered from 0 as they come first, and how many there are."""
    _, first, number = np.unique(shared, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number], len(first)


def _whole(orders: Orders, entry: Indices, number: Indices, count: int) -> Orders:
    """Each shared order once, arrived with its first entry, with the energy of its largest; entries by arrival."""
    energy_wh, first = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.maximum.at(energy_wh, number, orders.energy_wh[entry])
    first[number[::-1]] = entry[::-1]
    return replace(orders.at(first), energy_wh=energy_wh)


def _orders(orders: Orders, alone: Indices, cell: Indices, whole: Orders, cells: int) -> Orders:
    count = len(alone) + len(whole)

    def both(name: str) -> Indices:
        column: Indices = np.concatenate((getattr(orders, name)[alone], getattr(whole, name)))
        return column

    minimum_wh = orders.minimum_fill_wh
    return Orders(
        interval=np.zeros(count, np.int64),
        zone=np.concatenate((cell, cells + np.arange(len(whole)))),
        side=both("side").astype(np.int8),
        limit_price_ticks=both("limit_price_ticks"),
        energy_wh=both("energy_wh"),
        sequence=both("sequence"),
        owner=both("owner"),
        minimum_fill_wh=None if minimum_wh is None else np.append(minimum_wh[alone], np.zeros(len(whole), np.int64)),
    )


def _links(
    problem: ClearingProblem, intervals: Indices, cell: Indices, is_buy: Mask, own_zone: Indices, entry: Indices
) -> Links:
    links, times = problem.links, len(intervals)
    first_zone = np.repeat(np.arange(times) * problem.zones, len(links))
    return Links(
        from_zone=np.concatenate((first_zone + np.tile(links.from_zone, times), np.where(is_buy, cell, own_zone))),
        to_zone=np.concatenate((first_zone + np.tile(links.to_zone, times), np.where(is_buy, own_zone, cell))),
        capacity_wh=np.append(problem.capacity_wh[intervals].ravel(), problem.orders.energy_wh[entry]),
        cost_ticks=np.append(np.tile(links.cost_ticks, times), np.zeros(len(entry), np.int64)),
    )
