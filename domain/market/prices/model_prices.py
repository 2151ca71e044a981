"""The model price of a market: rates of its open book, tiers of the calendar, congestion, and the grid's prices.

    base = sum over rates of weight x rate, rounded half-even once
    price = min(cap, max(floor, base + tier + congestion))

Rates of the orders that are open for the interval: supply/demand ratio, mid-market rate and crossing value, as in
`solver.market.prices`. Where the book is empty the last price cleared for the interval stands for all of them, and
where there is none, the middle between the grid's prices. Congestion goes up from zero at `congestion_from` of what
links can carry to the whole adder where they are full; it raises the price of a zone that takes energy in and lowers
that of one that gives energy away. Floor and cap are what the grid pays and takes at that time. Every part is told, in
micro-EUR/kWh, and the parts add up to the price exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from domain.kernel.quantities import WHOLE_PPM, round_half_even
from domain.market.prices import calendars
from domain.market.prices.calendars import Calendar, Tier


class Rate(StrEnum):
    """A rate made from the open orders of an interval."""

    SUPPLY_DEMAND_RATIO = "SUPPLY_DEMAND_RATIO"
    MID_MARKET_RATE = "MID_MARKET_RATE"
    CROSSING_VALUE = "CROSSING_VALUE"


class PartKind(StrEnum):
    """What a part of a model price is."""

    SUPPLY_DEMAND_RATIO = "SUPPLY_DEMAND_RATIO"
    MID_MARKET_RATE = "MID_MARKET_RATE"
    CROSSING_VALUE = "CROSSING_VALUE"
    LAST_CLEARED = "LAST_CLEARED"
    GRID_MIDDLE = "GRID_MIDDLE"
    TIER = "TIER"
    CONGESTION = "CONGESTION"
    FLOOR = "FLOOR"
    CAP = "CAP"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model says; shares in parts per million, `tiers` in the order in which they are looked at."""

    weights_ppm: Mapping[Rate, int]
    compensation_ppm: int = 0
    divider_ppm: int = WHOLE_PPM // 2
    congestion_ueur_per_kwh: int = 0
    congestion_from_ppm: int = 800_000
    has_floor: bool = True
    has_cap: bool = True
    calendar: Calendar = field(default_factory=lambda: Calendar("UTC"))
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """The terms of a market's prices from an instant on."""

    id: UUID
    market_id: UUID
    valid_from: datetime
    terms: Terms


@dataclass(frozen=True, slots=True)
class Flow:
    """Net energy that clearings brought into a zone for an interval, and what its links can carry in and out of it."""

    net_import_ukwh: int = 0
    import_capacity_ukwh: int = 0
    export_capacity_ukwh: int = 0

    @property
    def used(self) -> Fraction:
        """The share of the capacity in the direction of the flow that is used, negative where energy leaves."""
        capacity = self.import_capacity_ukwh if self.net_import_ukwh > 0 else self.export_capacity_ukwh
        return Fraction(self.net_import_ukwh, capacity) if capacity else Fraction(0)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for an interval: rates of its book (empty without orders), what was cleared, the grid's prices."""

    rates_ueur_per_kwh: Mapping[Rate, int] = field(default_factory=dict)
    cleared_ueur_per_kwh: int | None = None
    flow: Flow = field(default_factory=Flow)
    import_ueur_per_kwh: int | None = None
    export_ueur_per_kwh: int | None = None


@dataclass(frozen=True, slots=True)
class PricePart:
    """What something adds to a price; with a rate's value and weight, the name of a tier, or the share that is used."""

    kind: PartKind
    part_ueur_per_kwh: int
    value_ueur_per_kwh: int | None = None
    share_ppm: int | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """The price of an interval and its parts, which add up to it. No price where nothing is known to make one of."""

    market_id: UUID
    delivery_start: datetime
    model: Model
    price_ueur_per_kwh: int | None
    parts: tuple[PricePart, ...]


def price_of(model: Model, delivery_start: datetime, given: Circumstances) -> ModelPrice:
    """The model price of an interval."""
    parts = _base(model.terms, given)
    if parts:
        parts += [*_tier(model.terms, delivery_start), *_congestion(model.terms, given.flow)]
        parts += _bounds(model.terms, given, sum(part.part_ueur_per_kwh for part in parts))
    price = sum(part.part_ueur_per_kwh for part in parts) if parts else None
    return ModelPrice(model.market_id, delivery_start, model, price, tuple(parts))


def _base(terms: Terms, given: Circumstances) -> list[PricePart]:
    rates = given.rates_ueur_per_kwh
    if rates:
        return _weighted([(rate, rates[rate], terms.weights_ppm[rate]) for rate in Rate if terms.weights_ppm[rate]])
    if given.cleared_ueur_per_kwh is not None:
        return [PricePart(PartKind.LAST_CLEARED, given.cleared_ueur_per_kwh)]
    if given.import_ueur_per_kwh is not None and given.export_ueur_per_kwh is not None:
        middle = round_half_even(given.import_ueur_per_kwh + given.export_ueur_per_kwh, 2)
        return [PricePart(PartKind.GRID_MIDDLE, middle)]
    return []


def _weighted(rates: Sequence[tuple[Rate, int, int]]) -> list[PricePart]:
    """Parts of a sum that is rounded once: each takes what the sum up to it grows by, rounded."""
    parts, exact, told = [], 0, 0
    for rate, value, weight in rates:
        exact += value * weight
        upto = round_half_even(exact, WHOLE_PPM)
        parts.append(PricePart(PartKind(rate.value), upto - told, value, weight))
        told = upto
    return parts


def _tier(terms: Terms, instant: datetime) -> list[PricePart]:
    tier = calendars.tier_at(terms.tiers, terms.calendar, instant)
    return [] if tier is None else [PricePart(PartKind.TIER, tier.value_ueur_per_kwh, tier=tier.name)]


def _congestion(terms: Terms, flow: Flow) -> list[PricePart]:
    """adder x (used - from) / (1 - from), where more is used than the share from which on it counts."""
    used = min(abs(flow.used), Fraction(1))
    beyond = used - Fraction(terms.congestion_from_ppm, WHOLE_PPM)
    if beyond <= 0 or not terms.congestion_ueur_per_kwh:
        return []
    adder = round(terms.congestion_ueur_per_kwh * beyond / (1 - Fraction(terms.congestion_from_ppm, WHOLE_PPM)))
    signed = adder if flow.net_import_ukwh > 0 else -adder
    return [PricePart(PartKind.CONGESTION, signed, share_ppm=round(used * WHOLE_PPM))]


def _bounds(terms: Terms, given: Circumstances, price: int) -> list[PricePart]:
    parts = []
    floor, cap = given.export_ueur_per_kwh, given.import_ueur_per_kwh
    if terms.has_floor and floor is not None and price < floor:
        parts.append(PricePart(PartKind.FLOOR, floor - price, floor))
        price = floor
    if terms.has_cap and cap is not None and price > cap:
        parts.append(PricePart(PartKind.CAP, cap - price, cap))
    return parts
