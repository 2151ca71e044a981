"""From a book to the solver's question; `answer` tells what comes back."""

from dataclasses import replace
from datetime import datetime
from sys import maxsize
from uuid import UUID

import numpy as np

from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH
from domain.market.clearing.book import Book
from domain.market.orders.tables import Acceptance, OrderFilling
from domain.market.places.tables import EnergySource, OrderSide
from solver.market.cells.classes import Classed, EnergyClass, with_classes
from solver.market.cells.merit_order import merit_order
from solver.market.cells.numbering import numbered
from solver.market.cells.problem import (
    PRICE_TICKS_MAX,
    ClearingProblem,
    Indices,
    Links,
    Mask,
    Orders,
    Side,
    Wh,
    derived,
    from_micro_units,
)
from solver.market.flows.network import transfers

SIDES = {OrderSide.SELL: Side.SELL, OrderSide.BUY: Side.BUY}
# What a buyer accepts, and what a seller offers: local energy where it does not name a source.
ACCEPTED = {each: EnergyClass[each.value] for each in Acceptance}
OFFERED: dict[EnergySource | None, EnergyClass] = {each: EnergyClass[each.value] for each in EnergySource}
OFFERED[None] = EnergyClass.LOCAL
ZONES_WEIGHED_MAX = 256  # Finer costs of more zones would leave the range of the flow solver.


def problem_of(book: Book) -> ClearingProblem:
    """The book as the solver takes it: lots, ticks, cells of classes, and what earlier clearings left of each link."""
    return classed_of(book).problem


def classed_of(book: Book) -> Classed:
    """The same, with the cell that each market's orders of a class stand in."""
    starts = deliveries_of(book)
    links = links_of(book)
    left = _capacity_left_wh(book, starts, links) * _is_way_open(book)
    columns = _columns(book, starts)
    problem = ClearingProblem(
        intervals=len(starts),
        zones=len(book.coupling.zone_ids),
        orders=_orders(columns),
        links=Links(links.from_zone, links.to_zone, left, links.cost_ticks),
    )
    return with_classes(problem, columns["energy_class"])


def deliveries_of(book: Book) -> list[datetime]:
    """Starts of the delivery intervals in which something is open, sorted."""
    return sorted({each.delivery_start for each in book.open})


COLUMNS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("interval", "zone", "side", "limit_price_ueur_per_kwh", "energy_ukwh", "owner"),
            *("minimum_fill_ukwh", "energy_class", "arrival", "shared"),
        )
    ]
)


def _columns(book: Book, starts: list[datetime]) -> dict[str, Indices]:
    interval, zone = {start: i for i, start in enumerate(starts)}, _zone_of_market(book)
    owner: dict[int, int] = {}
    flexible: dict[int, int] = {}
    rows = (
        (
            interval[each.delivery_start],
            zone[each.market_id],
            SIDES[each.side],
            each.limit_price_ueur_per_kwh,
            each.open_ukwh,
            owner.setdefault(each.owner_id.int, len(owner)),
            each.minimum_ukwh if each.minimum_fill_ukwh else 0,
            ACCEPTED[each.accepts] if each.side is OrderSide.BUY else OFFERED[each.source],
            each.sequence,
            flexible.setdefault(each.order_id.int, len(flexible)) if each.filling is OrderFilling.FLEXIBLE else -1,
        )
        for each in book.open
    )
    # Row by row, so that other threads get their turns: a whole list at once holds the interpreter for too long.
    table = np.fromiter(rows, COLUMNS, len(book.open))
    return {name: np.ascontiguousarray(table[name]) for name in COLUMNS.names or ()}


def _orders(columns: dict[str, Indices]) -> Orders:
    """Minimum fills and shared entries only where there are some. The book is sorted by delivery, then arrival.

    A flexible order stands in several intervals and meets others in each: then arrival counts across them.
    """
    shared, minimum_ukwh = columns["shared"], columns["minimum_fill_ukwh"]
    has_shared = bool((shared >= 0).any())
    sequence = np.arange(len(shared))
    if has_shared:
        sequence[np.lexsort((columns["interval"], columns["arrival"]))] = np.arange(len(shared))
    return from_micro_units(
        interval=columns["interval"],
        zone=columns["zone"],
        side=columns["side"],
        limit_price_ueur_per_kwh=columns["limit_price_ueur_per_kwh"],
        energy_ukwh=columns["energy_ukwh"],
        sequence=sequence,
        owner=columns["owner"],
        minimum_fill_wh=minimum_ukwh // LOT_UKWH if minimum_ukwh.any() else None,
        shared=shared if has_shared else None,
    )


def links_of(book: Book) -> Links:
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


def _capacity_left_wh(book: Book, starts: list[datetime], links: Links) -> Wh:
    """What earlier clearings left of each link, Wh, shape (intervals, links)."""
    return np.broadcast_to(links.capacity_wh, (len(starts), len(links))) - sent_wh(book, starts, links)


def sent_wh(book: Book, starts: list[datetime], links: Links) -> Wh:
    """What earlier clearings send over each link, Wh, shape (intervals, links).

    What they sold from zone to zone is a firm net export or import of each. It is sent along the cheapest ways, which
    exist because it was possible before; so the limits hold for all batches of a delivery together, and energy sold
    against an earlier transfer frees its way.
    """
    interval, zone = {start: i for i, start in enumerate(starts)}, _zone_of_market(book)
    turn = _turns(book, zone)
    firm = [each for each in book.exported if each.delivery_start in interval]
    firm.sort(key=lambda each: (each.delivery_start, turn[zone[each.market_id]]))
    if not firm:
        return np.zeros((len(starts), len(links)), np.int64)
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
    problem = ClearingProblem(len(starts), len(turn), must, links)
    standard = numbered(_past_the_last(problem, turn))
    return standard.given_flow_wh(transfers(standard.problem, merit_order(standard.problem)))


def _turns(book: Book, zone: dict[UUID, int]) -> Indices:
    """Place of each zone by the first order that is open in it; those without share the last."""
    first = np.full(len(book.coupling.zone_ids), maxsize)
    for each in book.open:
        at = zone[each.market_id]
        first[at] = min(first[at], each.sequence)
    return np.unique(first, return_inverse=True)[1]


def _past_the_last(problem: ClearingProblem, turn: Indices) -> ClearingProblem:
    """The problem with costs by which, of ways that cost the same, those past zones that came later are taken."""
    scale = len(turn) * (len(turn) + 1)
    if len(turn) > ZONES_WEIGHED_MAX:
        return problem
    links, orders = problem.links, problem.orders
    costs = links.cost_ticks * scale + len(turn) - turn[links.to_zone]
    limits = orders.limit_price_ticks * scale
    return derived(problem, orders=replace(orders, limit_price_ticks=limits), links=replace(links, cost_ticks=costs))


def _zone_of_market(book: Book) -> dict[UUID, int]:
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    return {market.id: zone[market.zone_id] for market in book.coupling.markets}
