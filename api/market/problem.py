"""From a book to the solver's question, and from its answer to an outcome."""

from datetime import datetime
from uuid import UUID

import numpy as np

from domain.market.book import Book
from domain.market.clearings import Cell, CellPrice, Outcome
from domain.market.tables import OrderSide
from domain.market.trades import Pairing
from domain.quantities import LOT_UKWH, TICK_UEUR_PER_KWH
from solver.market.clearing import clear
from solver.market.merit_order import merit_order
from solver.market.network import transfers
from solver.market.problem import PRICE_TICKS_MAX, ClearingProblem, Energy, Links, Mask, Orders, Side, from_micro_units
from solver.market.zone_prices import ZonePrices

SIDES = {OrderSide.SELL: Side.SELL, OrderSide.BUY: Side.BUY}


def clear_book(book: Book) -> Outcome:
    """Clear a book: who trades with whom, and the prices of all markets and intervals that have one."""
    starts = deliveries_of(book)
    problem = problem_of(book)
    cleared = clear(problem)
    found = cleared.pairings
    pairs = zip(found.sell.tolist(), found.buy.tolist(), found.energy_wh.tolist(), strict=True)
    pairings = tuple(Pairing(book.open[sell], book.open[buy], energy * LOT_UKWH) for sell, buy, energy in pairs)
    return Outcome(pairings=pairings, prices=_prices(book, starts, cleared.prices, cleared.is_traded))


def problem_of(book: Book) -> ClearingProblem:
    """The book as the solver takes it: lots, ticks, and what earlier clearings left of each link."""
    starts = deliveries_of(book)
    links = _links(book)
    left = _capacity_left_wh(book, starts, links) * _is_way_open(book)
    return ClearingProblem(
        intervals=len(starts),
        zones=len(book.coupling.zone_ids),
        orders=_orders(book, starts),
        links=Links(links.from_zone, links.to_zone, left, links.cost_ticks),
    )


def deliveries_of(book: Book) -> list[datetime]:
    """Starts of the delivery intervals in which something is open, sorted."""
    return sorted({each.delivery_start for each in book.open})


def _orders(book: Book, starts: list[datetime]) -> Orders:
    interval, zone = {start: i for i, start in enumerate(starts)}, _zone_of_market(book)
    owner: dict[int, int] = {}
    rows = (
        (
            interval[each.delivery_start],
            zone[each.market_id],
            SIDES[each.side],
            each.limit_price_ueur_per_kwh,
            each.open_ukwh,
            owner.setdefault(each.owner_id.int, len(owner)),
        )
        for each in book.open
    )
    # Row by row, so that other threads get their turns: a whole list at once holds the interpreter for too long.
    columns = np.fromiter(rows, np.dtype((np.int64, 6)), len(book.open)).T
    return from_micro_units(
        interval=columns[0],
        zone=columns[1],
        side=columns[2],
        limit_price_ueur_per_kwh=columns[3],
        energy_ukwh=columns[4],
        sequence=np.arange(len(book.open)),  # The book is sorted by arrival; one order stands in several intervals.
        owner=columns[5],
    )


def _links(book: Book) -> Links:
    """Whole lots of capacity, rounded down, and whole ticks of cost, rounded up, so that no limit is passed."""
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    rows = book.coupling.links
    return Links(
        from_zone=np.array([zone[link.from_zone_id] for link in rows], np.int64),
        to_zone=np.array([zone[link.to_zone_id] for link in rows], np.int64),
        capacity_wh=np.array([link.capacity_ukwh // LOT_UKWH for link in rows], np.int64),
        cost_ticks=np.array([-(-link.cost_ueur_per_kwh // TICK_UEUR_PER_KWH) for link in rows], np.int64),
    )


def _is_way_open(book: Book) -> Mask:
    """Whether each link joins zones that trade, shape (links,): nothing new flows into a halted zone or through it."""
    halted = book.coupling.halted_zone_ids
    rows = book.coupling.links
    return np.array([halted.isdisjoint((link.from_zone_id, link.to_zone_id)) for link in rows], np.bool_)


def _capacity_left_wh(book: Book, starts: list[datetime], links: Links) -> Energy:
    """What earlier clearings left of each link, Wh, shape (intervals, links).

    What they sold from zone to zone is a firm net export or import of each. It is sent along the cheapest ways, which
    exist because it was possible before; so the limits hold for all batches of a delivery together, and energy sold
    against an earlier transfer frees its way.
    """
    whole = np.broadcast_to(links.capacity_wh, (len(starts), len(links)))
    interval, zone = {start: i for i, start in enumerate(starts)}, _zone_of_market(book)
    firm = [each for each in book.exported if each.delivery_start in interval]
    if not firm:
        return whole
    is_export = [each.energy_ukwh > 0 for each in firm]
    must = Orders(
        interval=np.array([interval[each.delivery_start] for each in firm], np.int64),
        zone=np.array([zone[each.market_id] for each in firm], np.int64),
        side=np.where(is_export, Side.SELL, Side.BUY),
        limit_price_ticks=np.where(is_export, -PRICE_TICKS_MAX, PRICE_TICKS_MAX),
        energy_wh=np.array([abs(each.energy_ukwh) // LOT_UKWH for each in firm], np.int64),
        sequence=np.arange(len(firm)),
        owner=np.arange(len(firm)),
    )
    firm_problem = ClearingProblem(len(starts), len(book.coupling.zone_ids), must, links)
    return whole - transfers(firm_problem, merit_order(firm_problem))


def _prices(book: Book, starts: list[datetime], prices: ZonePrices, is_traded: Mask) -> dict[Cell, CellPrice]:
    zone = _zone_of_market(book)
    found = {}
    for market in book.coupling.markets:
        for interval, start in enumerate(starts):
            at = interval, zone[market.id]
            if prices.is_priced[at]:
                found[market.id, start] = CellPrice(
                    price_ueur_per_kwh=int(prices.price_ueur_per_kwh[at]),
                    lowest_ueur_per_kwh=int(prices.lowest_ticks[at]) * TICK_UEUR_PER_KWH,
                    highest_ueur_per_kwh=int(prices.highest_ticks[at]) * TICK_UEUR_PER_KWH,
                    is_traded=bool(is_traded[at]),
                )
    return found


def _zone_of_market(book: Book) -> dict[UUID, int]:
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    return {market.id: zone[market.zone_id] for market in book.coupling.markets}
