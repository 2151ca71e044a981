"""Classes of energy: what a buyer accepts, and where in its zone an order stands for it.

    SOLAR, WIND, HYDRO, BIOMASS -> GREEN -> LOCAL -> ANY        STORAGE -> LOCAL

Energy of a class serves every class that follows it. So a zone becomes a chain of cells joined by local links, one
way: a sell enters at its source (at LOCAL without one), a buy stands at what it accepts, and links between zones join
the ANY cells only. A buyer of a class is therefore served from its own zone, and each cell has a price: that of a
class is never below that of what follows it, and equal where energy passes on. Only the cells of classes that some
buyer of the zone asks for are made; a sell enters at the first one that its energy serves. A book in which everybody
accepts any energy stays as it is.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from solver.market.cells.problem import TOTAL_ENERGY_WH_MAX, ClearingProblem, Indices, Links, Side, derived


class EnergyClass(IntEnum):
    """What energy is, or what is accepted; each is listed before those that it serves."""

    SOLAR = 0
    WIND = 1
    HYDRO = 2
    BIOMASS = 3
    STORAGE = 4
    GREEN = 5
    LOCAL = 6
    ANY = 7


SERVES = {
    **dict.fromkeys((EnergyClass.SOLAR, EnergyClass.WIND, EnergyClass.HYDRO, EnergyClass.BIOMASS), EnergyClass.GREEN),
    EnergyClass.STORAGE: EnergyClass.LOCAL,
    EnergyClass.GREEN: EnergyClass.LOCAL,
    EnergyClass.LOCAL: EnergyClass.ANY,
}


@dataclass(frozen=True, slots=True)
class Classed:
    """A problem whose zones are cells of classes: first the ANY cell of each zone, then the others.

    cell: the zone in `problem` where an order of each zone and class stands, shape (zones, classes).
    energy_class: of each order, what it is or accepts.
    """

    problem: ClearingProblem
    cell: Indices
    energy_class: Indices

    @property
    def zone(self) -> Indices:
        """The zone that each zone of `problem` is, or is a cell of."""
        zone = np.empty(self.problem.zones, np.int64)
        zone[self.cell] = np.arange(len(self.cell))[:, np.newaxis]
        return zone


def with_classes(problem: ClearingProblem, energy_class: Indices) -> Classed:
    """Part zones into cells by the class of each order: of a sell what it is, of a buy what it accepts."""
    orders, zones = problem.orders, problem.zones
    is_asked = np.zeros((zones, len(EnergyClass)), np.bool_)
    is_buy = orders.side == Side.BUY
    is_asked[orders.zone[is_buy], energy_class[is_buy]] = True
    is_asked[:, EnergyClass.ANY] = False
    cell = np.tile(np.arange(zones)[:, np.newaxis], len(EnergyClass))
    if not is_asked.any():
        return Classed(problem, cell, energy_class)
    zone, made = np.nonzero(is_asked)
    cell[zone, made] = zones + np.arange(len(zone))
    for each in reversed(EnergyClass):
        if each in SERVES:
            cell[:, each] = np.where(is_asked[:, each], cell[:, each], cell[:, SERVES[each]])
    follows = cell[zone, np.array([SERVES.get(each, each) for each in EnergyClass])[made]]
    classed = derived(
        problem,
        zones=zones + len(zone),
        orders=replace(orders, zone=cell[orders.zone, energy_class]),
        links=_with_local(problem, cell[zone, made], follows),
    )
    return Classed(classed, cell, energy_class)


def _with_local(problem: ClearingProblem, start: Indices, end: Indices) -> Links:
    """The links between zones, and one from each new cell to the next, free and as wide as anything traded."""
    links, count = problem.links, len(start)
    unlimited = np.full((problem.intervals, count), TOTAL_ENERGY_WH_MAX)
    return Links(
        from_zone=np.append(links.from_zone, start),
        to_zone=np.append(links.to_zone, end),
        capacity_wh=np.concatenate((problem.capacity_wh, unlimited), axis=1),
        cost_ticks=np.append(links.cost_ticks, np.zeros(count, np.int64)),
    )
