"""Who delivers to whom: filled sells and filled buys laid along each other, locally first.

In every cell sells and buys are paired best price first, up to the smaller side. What a zone sells beyond
that leaves along its links, and the flows of an interval are cut into routes (`routes`) from exporting to importing
zones. All pairs of one route share it, so a pairing never changes a fill or a flow.

No owner is ever paired with itself: such a pair exchanges partners with another (`exchange`). Pairs for which nobody
is found are reported as stuck; `own_orders` decides what happens then.
"""

from dataclasses import dataclass

import numpy as np

from solver.machine_code import COLUMN, MASK, OUT, OUT_MASK, compiled
from solver.market.cells.merit_order import MeritOrder, energy_below
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Wh
from solver.market.flows.network import net_export_wh
from solver.market.flows.routes import Routes, routes
from solver.market.pairs.exchange import Pair, exchange_partners


@dataclass(frozen=True, slots=True)
class Pairings:
    """Deliveries between two orders: index of the sell, index of the buy, Wh. Sums to the fills of each order."""

    sell: Indices
    buy: Indices
    energy_wh: Wh


@dataclass(frozen=True, slots=True)
class _Along:
    """What is to be paired, one after another: local energy by cell, then routes. `local_cells` come first."""

    local_cells: Indices
    routes: Routes

    def zones(self, delivery: int, zones: int) -> tuple[int, ...]:
        """The zones that a delivery passes; one for a local one."""
        route = delivery - len(self.local_cells)
        return self.routes.passes(route) if route >= 0 else (int(self.local_cells[delivery]) % zones,)


def pair(problem: ClearingProblem, merits: MeritOrder, flow_wh: Wh) -> tuple[Pairings, Pairings]:
    """Pair all fills. Returns the pairs, local ones first, and, apart, those stuck between two orders of one owner."""
    net_wh = net_export_wh(problem, flow_wh)
    target_wh = merits.base_wh + merits.demand_wh + net_wh
    sold_wh = np.empty(len(net_wh), np.int64)
    _sell(merits.is_buy, merits.energy_wh, merits.end_wh, merits.cell_start, target_wh, sold_wh)
    local_wh = np.minimum(sold_wh, sold_wh - net_wh)
    along = _Along(np.flatnonzero(local_wh), routes(problem, net_wh, flow_wh))
    pairings, first_pair = _laid_along(merits, target_wh, local_wh, along)
    is_own = np.empty(len(pairings.sell), np.bool_)
    _compare(problem.orders.owner, pairings.sell, pairings.buy, is_own)
    if not is_own.any():
        return pairings, _chosen(pairings, is_own)
    return _exchange(problem, pairings, is_own, along, first_pair)


def _laid_along(merits: MeritOrder, target_wh: Wh, local_wh: Wh, along: _Along) -> tuple[Pairings, Indices]:
    """The pairs, owners not told apart, and the first one of each delivery."""
    local = along.local_cells
    most = len(merits.order) + len(local) + len(along.routes)  # Each pair uses up an order or a delivery.
    sell, buy, energy_wh = (np.empty(most, np.int64) for _ in range(3))
    first_pair = np.empty(len(local) + len(along.routes), np.int64)
    count = _lay_along(
        merits.order,
        merits.is_buy,
        merits.energy_wh,
        merits.end_wh,
        merits.cell_start,
        target_wh,
        np.concatenate((local, along.routes.seller_cell)),
        np.concatenate((local, along.routes.buyer_cell)),
        np.concatenate((local_wh[local], along.routes.energy_wh)),
        sell,
        buy,
        energy_wh,
        first_pair,
    )
    assert count >= 0, "fills and flows do not balance"
    return Pairings(sell[:count], buy[:count], energy_wh[:count]), first_pair


def _chosen(pairings: Pairings, chosen: Mask) -> Pairings:
    return Pairings(pairings.sell[chosen], pairings.buy[chosen], pairings.energy_wh[chosen])


def _exchange(
    problem: ClearingProblem, pairings: Pairings, is_own: Mask, along: _Along, first_pair: Indices
) -> tuple[Pairings, Pairings]:
    """Resolve own pairs interval by interval; the others are left as they are."""
    interval = problem.orders.interval[pairings.sell]
    is_touched = np.zeros(problem.intervals, np.bool_)
    is_touched[interval[is_own]] = True
    touched = np.flatnonzero(is_touched[interval])
    sold = pairings.sell[touched]
    cell = problem.orders.interval[sold] * problem.zones + problem.orders.zone[sold]  # Of few orders, not of all.
    by_seller = touched[np.argsort(cell, kind="stable")]
    pairs: list[Pair] = []
    for members in np.split(by_seller, np.flatnonzero(np.diff(interval[by_seller])) + 1):
        pairs += exchange_partners(_pairs(problem, pairings, members, along, first_pair))
    done, stuck = (_as_pairings([each for each in pairs if each.is_own == own]) for own in (False, True))
    return _joined(_chosen(pairings, ~is_touched[interval]), done), stuck


def _pairs(
    problem: ClearingProblem, pairings: Pairings, members: Indices, along: _Along, first_pair: Indices
) -> list[Pair]:
    sell, buy, owner = pairings.sell[members], pairings.buy[members], problem.orders.owner
    delivery, which = np.unique(np.searchsorted(first_pair, members, "right") - 1, return_inverse=True)
    route = [along.zones(number, problem.zones) for number in delivery.tolist()]
    columns = sell, buy, owner[sell], owner[buy], pairings.energy_wh[members]
    rows = zip(*(column.tolist() for column in columns), [route[at] for at in which.tolist()], strict=True)
    return [Pair(*row) for row in rows]


def _joined(first: Pairings, second: Pairings) -> Pairings:
    return Pairings(
        sell=np.concatenate((first.sell, second.sell)),
        buy=np.concatenate((first.buy, second.buy)),
        energy_wh=np.concatenate((first.energy_wh, second.energy_wh)),
    )


def _as_pairings(pairs: list[Pair]) -> Pairings:
    rows = np.array([(each.sell, each.buy, each.energy_wh) for each in pairs], np.int64).reshape(-1, 3)
    return Pairings(sell=rows[:, 0], buy=rows[:, 1], energy_wh=rows[:, 2])


@compiled("void", COLUMN, COLUMN, COLUMN, OUT_MASK)
def _compare(owner: Indices, sell: Indices, buy: Indices, is_own: Mask) -> None:
    for number in range(len(sell)):
        is_own[number] = owner[sell[number]] == owner[buy[number]]


@compiled("void", MASK, *[COLUMN] * 4, OUT)
def _sell(is_buy: Mask, energy_wh: Wh, end_wh: Wh, cell_start: Indices, target_wh: Wh, sold_wh: Wh) -> None:
    """Energy sold in each cell."""
    for cell in range(len(sold_wh)):
        sold = np.int64(0)
        for place in range(cell_start[cell], cell_start[cell + 1]):
            if end_wh[place] - energy_wh[place] >= target_wh[cell]:
                break
            sold += energy_below(energy_wh[place], end_wh[place], target_wh[cell]) * (not is_buy[place])
        sold_wh[cell] = sold


@compiled("int64", COLUMN, MASK, *[COLUMN] * 7, *[OUT] * 4)
def _lay_along(
    order: Indices,
    is_buy: Mask,
    energy_wh: Wh,
    end_wh: Wh,
    cell_start: Indices,
    target_wh: Wh,
    seller_cell: Indices,
    buyer_cell: Indices,
    delivered_wh: Wh,
    sell: Indices,
    buy: Indices,
    paired_wh: Wh,
    first_pair: Indices,
) -> int:
    """Lay sells upwards and buys downwards in their cells' merit orders along; the number of pairs, -1 if one lacks."""
    cells = len(target_wh)
    sell_at, buy_at = cell_start[:-1] - 1, cell_start[1:].copy()
    sell_left, buy_left = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    count = 0
    for number in range(len(delivered_wh)):
        seller, buyer, left = seller_cell[number], buyer_cell[number], delivered_wh[number]
        sell_place, sell_wh, buy_place, buy_wh = sell_at[seller], sell_left[seller], buy_at[buyer], buy_left[buyer]
        first_pair[number] = count
        while left > 0:
            while sell_wh == 0:
                sell_place += 1
                if sell_place >= cell_start[seller + 1]:
                    return -1
                below_wh = energy_below(energy_wh[sell_place], end_wh[sell_place], target_wh[seller])
                sell_wh = below_wh * (not is_buy[sell_place])
            while buy_wh == 0:
                buy_place -= 1
                if buy_place < cell_start[buyer]:
                    return -1
                below_wh = energy_below(energy_wh[buy_place], end_wh[buy_place], target_wh[buyer])
                buy_wh = (energy_wh[buy_place] - below_wh) * is_buy[buy_place]
            energy = min(left, sell_wh, buy_wh)
            sell[count], buy[count], paired_wh[count] = order[sell_place], order[buy_place], energy
            left -= energy
            sell_wh -= energy
            buy_wh -= energy
            count += 1
        sell_at[seller], sell_left[seller], buy_at[buyer], buy_left[buyer] = sell_place, sell_wh, buy_place, buy_wh
    return count
