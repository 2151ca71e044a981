"""What owners are told of a clearing beside its prices: why orders were left out, and what these had met.

Of a market and interval (`domain.market.clearing.untraded` names the parts): ids of orders by why they were left out;
by side and kind of energy the best limit within reach, the same without orders left out for their minimum, and the last
order of their limit that trades in the place of those that wait; and which order came last.
"""

from datetime import datetime
from typing import Any

import numpy as np

from api.market.clearing.bridge.question import ACCEPTED, OFFERED
from domain.kernel.quantities import TICK_UEUR_PER_KWH
from domain.market.clearing.book import Book, OpenInterval
from domain.market.clearing.clearings import Cell
from domain.market.clearing.untraded import UntradedCell
from domain.market.places.tables import OrderSide
from solver.market.cells.classes import Classed
from solver.market.cells.merit_order import UNBOUNDED_TICKS
from solver.market.clearing.clearing import Clearing
from solver.market.clearing.reach import Reach, reach

Told = dict[str, Any]


def told_of(book: Book, classed: Classed, cleared: Clearing) -> tuple[dict[Cell, Told], set[Cell]]:
    """What is told of each market and interval in which something was left, and where a limit had been met."""
    problem = classed.problem
    found = reach(problem, cleared)
    is_met = found.is_met(problem, found.offered_ticks)
    told: dict[Cell, Told] = {}
    met: set[Cell] = set()
    for number in np.flatnonzero(cleared.fill_wh < problem.orders.energy_wh).tolist():
        each = book.open[number]
        of_cell = told.setdefault((each.market_id, each.delivery_start), {"last_arrival": 0, "reach": {}})
        of_cell["last_arrival"] = max(of_cell["last_arrival"], each.sequence)
        _tell_of_order(of_cell, each, cleared, found, number)
        _tell_of_kind(of_cell["reach"], book, each, found, number)
        if is_met[number]:
            met.add((each.market_id, each.delivery_start))
    return told, met


def _tell_of_order(told: Told, each: OpenInterval, cleared: Clearing, found: Reach, number: int) -> None:
    left_out = {
        "below_minimum": cleared.is_dropped[number],
        "own_only": found.is_own_only[number],
        "made_room": found.made_room[number],
    }
    for name in (name for name, is_so in left_out.items() if is_so):
        told.setdefault(name, []).append(str(each.order_id))


def _tell_of_kind(told: Told, book: Book, each: OpenInterval, found: Reach, number: int) -> None:
    """The same for all orders of a side and kind, save the last of the one limit that is the price."""
    kind = (ACCEPTED[each.accepts] if each.side is OrderSide.BUY else OFFERED[each.source]).name
    of_kind = told.setdefault(each.side.value, {}).setdefault(kind, {})
    of_kind["offered"] = _ueur_per_kwh(found.offered_ticks[number])
    of_kind["free"] = _ueur_per_kwh(found.free_ticks[number])
    if found.last_equal[number] >= 0:
        of_kind["last_limit"] = each.limit_price_ueur_per_kwh
        of_kind["last_sequence"] = book.open[int(found.last_equal[number])].sequence


def _ueur_per_kwh(ticks: int) -> int | None:
    return int(ticks) * TICK_UEUR_PER_KWH if abs(ticks) < UNBOUNDED_TICKS // 2 else None


def untraded_of(
    book: Book,
    starts: list[datetime],
    classed: Classed,
    cleared: Clearing,
    told: tuple[dict[Cell, Told], set[Cell]],
) -> dict[Cell, UntradedCell]:
    """The markets and intervals where nothing was traded although some limit had been met."""
    facts, met = told
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    interval = {start: i for i, start in enumerate(starts)}
    found = {}
    for market in book.coupling.markets:
        place = zone[market.zone_id]
        cells = np.unique(classed.cell[place])
        for start in starts:
            cell, at = (market.id, start), interval[start]
            if cell in met and not cleared.is_traded[at, cells].any():
                found[cell] = UntradedCell(_price_ueur_per_kwh(cleared, at, place, facts[cell]), facts[cell])
    return found


def _price_ueur_per_kwh(cleared: Clearing, interval: int, zone: int, told: Told) -> int:
    """The price indicated for a zone; where only one side is left in it, the bound that this sets, or what was met."""
    prices, at = cleared.prices, (interval, zone)
    if prices.is_priced[at]:
        return int(prices.price_ueur_per_kwh[at])
    if prices.has_lowest[at] or prices.has_highest[at]:
        return int(prices.lowest_ticks[at] + prices.highest_ticks[at]) * TICK_UEUR_PER_KWH  # What is not there is 0.
    kinds = [kind["offered"] for side in told["reach"].values() for kind in side.values()]
    return int(next(price for price in kinds if price is not None))
