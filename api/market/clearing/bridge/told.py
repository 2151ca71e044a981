"""What owners are told of a clearing beside its prices: why orders were left out, and what these had met.

Of a market and interval (`domain.market.clearing.untraded` names the parts): ids of orders by why they were left out;
by side and kind of energy the best limit within reach, the same without orders left out for their minimum, and the last
order of their limit that trades in the place of those that wait; and which order came last.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

import numpy as np

from domain.kernel.quantities import TICK_UEUR_PER_KWH
from domain.market.clearing.book import Book
from domain.market.clearing.clearings import Cell
from domain.market.clearing.untraded import UntradedCell
from solver.market.cells.classes import Classed, EnergyClass
from solver.market.cells.merit_order import UNBOUNDED_TICKS
from solver.market.cells.problem import Indices, Mask, Side
from solver.market.clearing.clearing import Clearing
from solver.market.clearing.reach import reach

Told = dict[str, Any]


def told_of(book: Book, classed: Classed, cleared: Clearing) -> tuple[dict[Cell, Told], set[Cell]]:
    """What is told of markets and intervals, and those where nothing was traded although a limit had been met."""
    problem = classed.problem
    found = reach(problem, cleared)
    is_left = cleared.fill_wh < problem.orders.energy_wh
    told: defaultdict[Cell, Told] = defaultdict(lambda: {"reach": {}})
    for name, is_so in (
        ("below_minimum", cleared.is_dropped),
        ("own_only", found.is_own_only),
        ("made_room", found.made_room),
    ):
        for number in np.flatnonzero(is_left & is_so).tolist():
            told[_cell(book, number)].setdefault(name, []).append(str(book.open[number].order_id))
    kind = (2 * problem.cell + problem.orders.side) * len(EnergyClass) + classed.energy_class
    behind = np.flatnonzero(is_left & (found.last_equal >= 0))
    for number in _last_of_each(kind[behind], behind):
        _tell_of_kind(told[_cell(book, number)]["reach"], classed, number).update(
            last_limit=book.open[number].limit_price_ueur_per_kwh,
            last_sequence=book.open[int(found.last_equal[number])].sequence,
        )
    market = problem.orders.interval * len(classed.cell) + classed.zone[problem.orders.zone]
    idle = np.flatnonzero(is_left & ~_is_market_traded(classed, cleared).ravel()[market])
    for number in _last_of_each(kind[idle], idle):
        _tell_of_kind(told[_cell(book, number)]["reach"], classed, number).update(
            offered=_ueur_per_kwh(found.offered_ticks[number]), free=_ueur_per_kwh(found.free_ticks[number])
        )
    for number in _last_of_each(market[idle], idle):  # The book is sorted by arrival.
        told[_cell(book, number)]["last_arrival"] = book.open[number].sequence
    met = idle[found.is_met(problem, found.offered_ticks)[idle]]
    return told, {_cell(book, number) for number in _last_of_each(market[met], met)}


def _is_market_traded(classed: Classed, cleared: Clearing) -> Mask:
    """Whether anything was traded in a cell of a market or passed through it, shape (intervals, zones of markets)."""
    is_traded = np.zeros((len(cleared.is_traded), len(classed.cell)), np.bool_)
    for cell, zone in enumerate(classed.zone.tolist()):
        is_traded[:, zone] |= cleared.is_traded[:, cell]
    return is_traded


def _last_of_each(group: Indices, orders: Indices) -> list[int]:
    """The last listed order of each group."""
    last: list[int] = orders[::-1][np.unique(group[::-1], return_index=True)[1]].tolist()
    return last


def _cell(book: Book, number: int) -> Cell:
    return book.open[number].market_id, book.open[number].delivery_start


def _tell_of_kind(told: Told, classed: Classed, number: int) -> Told:
    """What is told of orders of a side and kind: the same of all, save the last of the limit that is the price."""
    side, kind = Side(int(classed.problem.orders.side[number])), EnergyClass(int(classed.energy_class[number]))
    of_kind: Told = told.setdefault(side.name, {}).setdefault(kind.name, {})
    return of_kind


def _ueur_per_kwh(ticks: int) -> int | None:
    return int(ticks) * TICK_UEUR_PER_KWH if abs(ticks) < UNBOUNDED_TICKS // 2 else None


def untraded_of(
    book: Book, starts: list[datetime], cleared: Clearing, told: tuple[dict[Cell, Told], set[Cell]]
) -> dict[Cell, UntradedCell]:
    """The markets and intervals where nothing was traded although some limit had been met."""
    facts, met = told
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    place = {market.id: zone[market.zone_id] for market in book.coupling.markets}
    interval = {start: i for i, start in enumerate(starts)}
    return {
        cell: UntradedCell(_price_ueur_per_kwh(cleared, interval[cell[1]], place[cell[0]], facts[cell]), facts[cell])
        for cell in met
    }


def _price_ueur_per_kwh(cleared: Clearing, interval: int, zone: int, told: Told) -> int:
    """The price indicated for a zone; where only one side is left in it, the bound that this sets, or what was met."""
    prices, at = cleared.prices, (interval, zone)
    if prices.is_priced[at]:
        return int(prices.price_ueur_per_kwh[at])
    if prices.has_lowest[at] or prices.has_highest[at]:
        return int(prices.lowest_ticks[at] + prices.highest_ticks[at]) * TICK_UEUR_PER_KWH  # What is not there is 0.
    kinds = [kind["offered"] for side in told["reach"].values() for kind in side.values() if "offered" in kind]
    return int(next(price for price in kinds if price is not None))
