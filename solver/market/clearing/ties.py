"""Who trades at equal prices where cells of one place are joined by local links: most energy, then by arrival.

Within a cell the merit order settles ties. Among the cells of one place (classes of energy, intervals of a shared
order) they are settled by prices with more digits. Let r be the rank of arrival among orders of one interval, side and
price, times a number beyond the hops of any local way; K more than two r and such hops together; S more than all of
this can add up to:

    sell'  = S x price + r - K        an equal buy is worth more, however late both arrived
    buy'   = S x price - r
    cost'  = S x cost + K             a transfer must gain something; 1 on a local link

An optimum at these prices is one at the old prices, since S outweighs the rest; it trades at equal prices within a
place and not across links; and of two orders at one price it takes the earlier wherever either would do, because an
exchange of one for the other changes the sum of ranks alone.
"""

from dataclasses import replace

import numpy as np

from solver.market.cells.problem import ClearingProblem, Derived, Indices, Side, derived

# A way passes at most: a seller's shared order, four classes of energy, a buyer's shared order. One more than its hops.
_HOPS = 6

# Finer prices would come near `UNBOUNDED_TICKS`, or times the nodes leave the range of the flow solver; where ranks
# would make them so, only the most energy counts, not arrival.
_TICKS_MAX = 2**46
_TICKS_TIMES_NODES_MAX = 2**61


def by_arrival(problem: ClearingProblem) -> Derived:
    """The problem with prices at which its ties are settled."""
    is_local = problem.links.is_local
    assert is_local is not None, "nothing is local"
    rank = _ranks(problem) * _HOPS
    weight, scale = _digits(problem, int(rank.max(initial=0)))
    highest = abs(np.append(problem.orders.limit_price_ticks, problem.links.cost_ticks)).max(initial=0)
    if scale * (int(highest) + 1) > min(_TICKS_MAX, _TICKS_TIMES_NODES_MAX // (problem.zones + 2)):
        rank[:] = 0
        weight, scale = _digits(problem, 0)
    is_buy = problem.orders.side == Side.BUY
    price = problem.orders.limit_price_ticks * scale + np.where(is_buy, -rank, rank - weight)
    cost = np.where(is_local, 1, problem.links.cost_ticks * scale + weight)
    return derived(
        problem,
        orders=replace(problem.orders, limit_price_ticks=price),
        links=replace(problem.links, cost_ticks=cost, is_local=None),
    )


def _digits(problem: ClearingProblem, last_rank: int) -> tuple[int, int]:
    """K and S: a way around the network has at most one arc per zone, and two orders."""
    weight = 2 * last_rank + _HOPS
    return weight, (problem.zones + 4) * (weight + 1)


def _ranks(problem: ClearingProblem) -> Indices:
    """Place of each order by arrival among those of its interval, side and price, from 0."""
    orders = problem.orders
    if len(orders) == 0:
        return np.zeros(0, np.int64)
    by_group = np.lexsort((orders.sequence, orders.limit_price_ticks, orders.side, orders.interval))
    columns = (orders.interval[by_group], orders.side[by_group], orders.limit_price_ticks[by_group])
    is_first = np.append(True, np.any([column[1:] != column[:-1] for column in columns], axis=0))
    places = np.arange(len(by_group))
    rank = np.empty(len(by_group), np.int64)
    rank[by_group] = places - np.maximum.accumulate(np.where(is_first, places, 0))
    return rank
