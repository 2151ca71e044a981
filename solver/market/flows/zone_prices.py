"""Prices at which a clearing stands: per zone the lowest and the highest, from its residual network.

A zone's price must not undercut a filled sell nor an unfilled buy, nor exceed a filled buy or an unfilled
sell. Along a link that carries energy the price rises by at least its cost; along one with room to spare by
at most its cost. The lowest and the highest prices that satisfy all this do so together (the solutions form
a lattice), and so does any mean of the two taken in all zones alike: the uniform price.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.market.cells.merit_order import UNBOUNDED_TICKS, MeritOrder, prices_around
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Ticks, Wh
from solver.market.flows.network import net_export_wh, relax

# Anything nearer to UNBOUNDED_TICKS than this is no price.
_BOUND_TICKS = UNBOUNDED_TICKS // 2


@dataclass(frozen=True, slots=True)
class ZonePrices:
    """Prices of all zones, each of shape (intervals, zones).

    lowest_ticks, highest_ticks: the range of clearing prices, 0 where has_lowest, has_highest are false
    (nobody to bound it). price_ueur_per_kwh: by the pricing rule where both bounds exist (`is_priced`), else 0.
    Where no energy was traded the same range is the spread between best buy and best sell, network included:
    an indication, not a price anybody paid. supporting_ticks: the highest again, a number where nobody bounds it.
    """

    lowest_ticks: Ticks
    highest_ticks: Ticks
    has_lowest: Mask
    has_highest: Mask
    price_ueur_per_kwh: NDArray[np.int64]
    supporting_ticks: Ticks

    @property
    def is_priced(self) -> Mask:
        return self.has_lowest & self.has_highest

    def of_zones(self, zones: Indices) -> "ZonePrices":
        """The prices of the chosen zones."""
        return ZonePrices(**{name: column[:, zones] for name, column in self.columns.items()})

    def of_intervals(self, intervals: Indices | Mask) -> "ZonePrices":
        """The prices of the chosen intervals."""
        return ZonePrices(**{name: column[intervals] for name, column in self.columns.items()})

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Its columns by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def put_together(intervals: int, *parts: tuple[Indices, ZonePrices]) -> ZonePrices:
    """Prices of all intervals from those of some each; of an interval that several have, the last one's."""
    columns = {}
    for name, first in parts[0][1].columns.items():
        columns[name] = np.zeros((intervals, first.shape[1]), first.dtype)
        for chosen, part in parts:
            columns[name][chosen] = part.columns[name]
    return ZonePrices(**columns)


def zone_prices(problem: ClearingProblem, merits: MeritOrder, flow_wh: Wh) -> ZonePrices:
    """Price range and uniform price of every zone and interval."""
    shape = (problem.intervals, problem.zones)
    position_wh = merits.demand_wh + net_export_wh(problem, flow_wh)
    below, above = (prices.reshape(shape) for prices in prices_around(merits, position_wh))
    tail, head, cost_ticks = _residual_arcs(problem, flow_wh)
    highest = relax(above, tail, head, cost_ticks)
    lowest = -relax(-below, head, tail, cost_ticks)
    has_lowest, has_highest = lowest > -_BOUND_TICKS, highest < _BOUND_TICKS
    lowest_ticks, highest_ticks = np.where(has_lowest, lowest, 0), np.where(has_highest, highest, 0)
    price = problem.pricing.price_ueur_per_kwh(lowest_ticks, highest_ticks)
    return ZonePrices(
        lowest_ticks=lowest_ticks,
        highest_ticks=highest_ticks,
        has_lowest=has_lowest,
        has_highest=has_highest,
        price_ueur_per_kwh=np.where(has_lowest & has_highest, price, 0),
        supporting_ticks=highest,
    )


def _residual_arcs(problem: ClearingProblem, flow_wh: Wh) -> tuple[NDArray[np.int64], ...]:
    """Arcs (tail, head, cost) with price[head] <= price[tail] + cost; shapes (2 links,), (intervals, 2 links)."""
    links = problem.links
    forward = np.where(flow_wh < problem.capacity_wh, links.cost_ticks, UNBOUNDED_TICKS)
    backward = np.where(flow_wh > 0, -links.cost_ticks, UNBOUNDED_TICKS)
    tail = np.concatenate((links.from_zone, links.to_zone))
    head = np.concatenate((links.to_zone, links.from_zone))
    return tail, head, np.concatenate((forward, backward), axis=1)
