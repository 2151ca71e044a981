"""Clear a batch of orders in linked zones: fills, prices, flows and pairs.

`clear` is a plain module-level function of picklable values, fit for a process pool. The min-cost flow holds
the GIL while it solves one interval (a fraction of a millisecond for hundreds of orders) and has no time
limit; a server should still clear outside its event loop.
"""

from dataclasses import dataclass, replace

import numpy as np

from domain.kernel.quantities import TICK_UEUR_PER_KWH
from solver.machine_code import COLUMN, compiled
from solver.market.cells.numbering import numbered
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Wh
from solver.market.clearing.outcome import outcome
from solver.market.clearing.own_orders import apart, withdrawn_wh
from solver.market.flows.zone_prices import ZonePrices
from solver.market.pairs.pairing import Pairings


@dataclass(frozen=True, slots=True)
class Clearing:
    """The answer to a `ClearingProblem`.

    fill_wh: energy traded by each order; withdrawn_wh: what was left out of it so that its owner does not
    trade with itself (`own_orders`), nearly always 0; is_dropped: orders left out because their minimum could not
    be reached (`minimum_fill`). flow_wh: shape (intervals, links).
    is_traded: zones where energy was sold, bought or passed through, shape (intervals, zones); only there
    `prices` are prices paid, elsewhere they indicate.
    welfare_of_interval, bound_of_interval: welfare found, and the most that there can be without minimum fills and
    with owners not told apart, exact, ticks x Wh (0.1 micro-EUR).
    """

    fill_wh: Wh
    withdrawn_wh: Wh
    is_dropped: Mask
    flow_wh: Wh
    prices: ZonePrices
    is_traded: Mask
    welfare_of_interval: tuple[int, ...]
    bound_of_interval: tuple[int, ...]
    pairings: Pairings

    @property
    def welfare_ticks_wh(self) -> int:
        """Welfare of all intervals."""
        return sum(self.welfare_of_interval)

    @property
    def bound_ticks_wh(self) -> int:
        """Bound on the welfare of all intervals."""
        return sum(self.bound_of_interval)


def clear(problem: ClearingProblem) -> Clearing:
    """Welfare-optimal clearing at uniform prices, ties by price and then arrival, no owner with itself."""
    standard = numbered(problem)
    cleared = _clear(standard.problem)
    if standard.problem is problem:
        return cleared
    flow_wh = standard.given_flow_wh(cleared.flow_wh)
    is_traded = cleared.is_traded[:, standard.zone]
    return replace(cleared, flow_wh=flow_wh, prices=cleared.prices.of_zones(standard.zone), is_traded=is_traded)


def _clear(problem: ClearingProblem) -> Clearing:
    withdrawn = np.zeros(len(problem.orders), np.int64)
    best = outcome(problem, problem.orders.energy_wh)
    bound = best.bound_ticks_wh
    if len(best.stuck.sell):
        withdrawn = withdrawn_wh(problem, np.unique(problem.orders.interval[best.stuck.sell]))
        left_wh, best = apart(problem, problem.orders.energy_wh - withdrawn)
        withdrawn = problem.orders.energy_wh - left_wh
    return Clearing(
        fill_wh=best.fill_wh,
        withdrawn_wh=withdrawn,
        is_dropped=best.is_dropped,
        flow_wh=best.flow_wh,
        prices=best.best.prices,
        is_traded=_is_traded(problem, best.fill_wh, best.flow_wh),
        welfare_of_interval=best.welfare_ticks_wh,
        bound_of_interval=bound,
        pairings=best.pairings,
    )


def congestion_rent_neur(problem: ClearingProblem, clearing: Clearing) -> int:
    """What buyers pay beyond what sellers get and transfers cost, nano-EUR (micro-EUR/kWh x Wh), exact, >= 0."""
    return sum(congestion_rents_neur(problem, clearing).values())


def congestion_rents_neur(problem: ClearingProblem, clearing: Clearing) -> dict[tuple[int, int], int]:
    """The rent of the links into each (interval, zone) that energy came into over one, nano-EUR, exact, >= 0.

    rent = flow x (price at its end - price at its start - cost); it belongs to the operator.
    """
    links, price = problem.links, clearing.prices.price_ueur_per_kwh
    interval, link = np.nonzero(clearing.flow_wh)
    start, end = links.from_zone[link], links.to_zone[link]
    gain = price[interval, end] - price[interval, start] - links.cost_ticks[link] * TICK_UEUR_PER_KWH
    rents: dict[tuple[int, int], int] = {}
    columns = (interval, end, gain, clearing.flow_wh[interval, link])
    for at, zone, each, flow_wh in zip(*(column.tolist() for column in columns), strict=True):
        rents[at, zone] = rents.get((at, zone), 0) + each * flow_wh
    return rents


def _is_traded(problem: ClearingProblem, fill_wh: Wh, flow_wh: Wh) -> Mask:
    is_traded = np.zeros((problem.intervals, problem.zones), np.bool_)
    _mark(problem.orders.interval, problem.orders.zone, fill_wh, is_traded)
    interval, link = np.nonzero(flow_wh)
    is_traded[interval, problem.links.from_zone[link]] = True
    is_traded[interval, problem.links.to_zone[link]] = True
    return is_traded


@compiled("void", COLUMN, COLUMN, COLUMN, "boolean[:, ::1]")
def _mark(interval: Indices, zone: Indices, fill_wh: Wh, is_traded: Mask) -> None:
    for order in range(len(fill_wh)):
        is_traded[interval[order], zone[order]] |= fill_wh[order] > 0
