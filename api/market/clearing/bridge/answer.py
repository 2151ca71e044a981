"""What the solver's answer means for the markets of a book: trades, prices, and what a clearing keeps of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from api.market.clearing.bridge.told import Told, told_of, untraded_of
from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH, round_half_even
from domain.market.clearing.book import Book
from domain.market.clearing.clearings import Cell, CellPrice, ClearingOutcome
from domain.market.clearing.trades import Pairing
from domain.market.places.markets import MarketInZone
from domain.market.places.tables import PricingRule
from solver.market import VERSION
from solver.market.cells.classes import Classed, EnergyClass
from solver.market.cells.joint import blocks
from solver.market.cells.problem import Indices, Mask
from solver.market.clearing.clearing import Clearing, congestion_rents_neur
from solver.market.clearing.pair_prices import PairRule, pair_prices

RULES = {
    PricingRule.UNIFORM: PairRule.UNIFORM,
    PricingRule.PAY_AS_BID: PairRule.PAY_AS_BID,
    PricingRule.MIDPOINT: PairRule.MIDPOINT,
}
NEUR_PER_UEUR = 1_000
TICKS_WH_PER_UEUR = 10  # One tick x one Wh is 0.1 micro-EUR.


def outcome_of(book: Book, starts: list[datetime], classed: Classed, cleared: Clearing) -> ClearingOutcome:
    """Who trades with whom at what prices, and the prices of all markets and intervals that have one."""
    told = told_of(book, classed, cleared)
    return ClearingOutcome(
        pairings=_pairings(book, classed, cleared),
        prices=_prices(book, starts, classed, cleared, told[0]),
        untraded=untraded_of(book, starts, cleared, told),
    )


def _pairings(book: Book, classed: Classed, cleared: Clearing) -> tuple[Pairing, ...]:
    found = cleared.pairings
    prices = pair_prices(classed.problem, cleared, _rules(book, classed))
    columns = (found.sell, found.buy, found.energy_wh, prices.paid_ueur_per_kwh, prices.got_ueur_per_kwh)
    return tuple(
        Pairing(book.open[sell], book.open[buy], energy * LOT_UKWH, paid, got)
        for sell, buy, energy, paid, got in zip(*(column.tolist() for column in columns), strict=True)
    )


def _rules(book: Book, classed: Classed) -> Indices:
    """The pricing rule of each cell of the problem; zones without a market have no orders."""
    rule = np.full(classed.problem.zones, PairRule.UNIFORM, np.int64)
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    for market in book.coupling.markets:
        rule[classed.cell[zone[market.zone_id]]] = RULES[market.pricing]
    return rule


def _prices(
    book: Book, starts: list[datetime], classed: Classed, cleared: Clearing, told: Mapping[Cell, Told]
) -> dict[Cell, CellPrice]:
    zone = {zone_id: i for i, zone_id in enumerate(book.coupling.zone_ids)}
    rents = congestion_rents_neur(classed.problem, cleared)
    bounds = _bounds_ueur(classed, cleared)
    is_priced = cleared.prices.is_priced
    found = {}
    for market in book.coupling.markets:
        place = zone[market.zone_id]
        ways = _ways(book, market)
        cells = np.unique(classed.cell[place]).tolist()
        for interval, start in enumerate(starts):
            cell = _headline(cells, cleared, is_priced[interval], interval, place)
            if cell is not None:
                found[market.id, start] = CellPrice(
                    *_range(cleared, interval, cell),
                    is_traded=bool(cleared.is_traded[interval, cell]),
                    class_prices=_class_prices(classed, cleared, interval, place, cell),
                    congestion_rent_ueur=round_half_even(rents.get((interval, place), 0), NEUR_PER_UEUR),
                    bound_ueur=bounds[interval],
                    parameters=_parameters(classed, market, ways, interval)
                    | {
                        "objective_ueur": round_half_even(cleared.welfare_of_interval[interval], TICKS_WH_PER_UEUR),
                        "below_minimum": [],
                    }
                    | told.get((market.id, start), {}),
                )
    return found


def _bounds_ueur(classed: Classed, cleared: Clearing) -> list[int | None]:
    """The bound of each interval; none where flexible orders tie it to others, for only their sum is bounded."""
    block = blocks(classed.problem)
    is_tied = (np.bincount(block)[block] > 1).tolist()
    bounds = zip(cleared.bound_of_interval, is_tied, strict=True)
    return [None if tied else round_half_even(bound, TICKS_WH_PER_UEUR) for bound, tied in bounds]


def _headline(cells: list[int], cleared: Clearing, is_priced: Mask, interval: int, zone: int) -> int | None:
    """The cell whose price is a market's: that of ordinary energy, or the cheapest class if only classes traded.

    None where nothing was traded and no price is indicated.
    """
    traded = [cell for cell in cells if cleared.is_traded[interval, cell]]
    if zone in traded or not traded:
        return zone if is_priced[zone] else None
    price = cleared.prices.price_ueur_per_kwh[interval]
    return min(traded, key=lambda cell: (int(price[cell]), cell))


def _range(cleared: Clearing, interval: int, cell: int) -> tuple[int, int, int]:
    """The price of a cell, and the lowest and highest that would balance it, micro-EUR per kWh."""
    prices, at = cleared.prices, (interval, cell)
    return (
        int(prices.price_ueur_per_kwh[at]),
        int(prices.lowest_ticks[at]) * TICK_UEUR_PER_KWH,
        int(prices.highest_ticks[at]) * TICK_UEUR_PER_KWH,
    )


def _class_prices(classed: Classed, cleared: Clearing, interval: int, zone: int, headline: int) -> dict[str, int]:
    """Prices of the classes that traded at another price than the market's."""
    price = cleared.prices.price_ueur_per_kwh[interval]
    return {
        each.name: int(price[cell])
        for each, cell in zip(EnergyClass, classed.cell[zone].tolist(), strict=True)
        if cleared.is_traded[interval, cell] and price[cell] != price[headline]
    }


def _ways(book: Book, market: MarketInZone) -> list[tuple[int, dict[str, Any]]]:
    """The links into and out of a market's zone by number, with what of them holds in all intervals."""
    return [
        (
            number,
            {
                "from_zone_id": str(link.from_zone_id),
                "to_zone_id": str(link.to_zone_id),
                "cost_ueur_per_kwh": link.cost_ueur_per_kwh,
            },
        )
        for number, link in enumerate(book.coupling.links)
        if market.zone_id in (link.from_zone_id, link.to_zone_id)
    ]


def _parameters(
    classed: Classed, market: MarketInZone, ways: list[tuple[int, dict[str, Any]]], interval: int
) -> dict[str, Any]:
    """What a clearing depends on beside its orders: rules, and the ways into and out of its zone as they were left."""
    left = classed.problem.capacity_wh[interval]
    return {
        "solver_version": VERSION,
        "pricing": market.pricing.value,
        "market_version": market.version,
        "links": [way | {"left_ukwh": int(left[number]) * LOT_UKWH} for number, way in ways],
    }
