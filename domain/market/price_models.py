"""The model price of a market: rates of its open book, tiers of the calendar, congestion, and the grid's prices.

    base = sum over rates of weight x rate, rounded half-even once
    price = min(cap, max(floor, base + tier + congestion))

Rates of the orders that are open for the interval: supply/demand ratio, mid-market rate and crossing value, as in
`solver.market.prices`. Where the book is empty the last price cleared for the interval stands for all of them, and
where there is none, the middle between the grid's prices. Congestion goes up from zero at `congestion_from` of what
links can carry to the whole adder where they are full; it raises the price of a zone that takes energy in and lowers
that of one that gives energy away. Floor and cap are what the grid pays and takes at that time. Every part is told, in
micro-EUR/kWh, and the parts add up to the price exactly.

Decision, 2026-11-21: a model is a row that is never edited, and none begins in the past. So the price of an instant can
be made again, from the model and the tariffs that held then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.database import new_id
from domain.errors import DomainError, InvalidValue, NotFound
from domain.identity.viewers import Viewer
from domain.market import book, calendars, grid_tariffs
from domain.market.book import Level
from domain.market.calendars import Calendar, Tier
from domain.market.grid_tariffs import Tariff
from domain.market.price_tables import GridDirection, PriceModel, PriceTier
from domain.market.tables import Market, OrderInterval
from domain.quantities import WHOLE_PPM, round_half_even


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


class WeightsDoNotAddUp(DomainError):
    """The weights of the rates are shares of one whole."""

    def __init__(self, total_ppm: int) -> None:
        super().__init__("The weights of the three rates must add up to 1.")
        self.total_ppm = total_ppm


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
class Part:
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
    parts: tuple[Part, ...]


def price_of(model: Model, delivery_start: datetime, given: Circumstances) -> ModelPrice:
    """The model price of an interval."""
    parts = _base(model.terms, given)
    if parts:
        parts += [*_tier(model.terms, delivery_start), *_congestion(model.terms, given.flow)]
        parts += _bounds(model.terms, given, sum(part.part_ueur_per_kwh for part in parts))
    price = sum(part.part_ueur_per_kwh for part in parts) if parts else None
    return ModelPrice(model.market_id, delivery_start, model, price, tuple(parts))


def _base(terms: Terms, given: Circumstances) -> list[Part]:
    rates = given.rates_ueur_per_kwh
    if rates:
        return _weighted([(rate, rates[rate], terms.weights_ppm[rate]) for rate in Rate if terms.weights_ppm[rate]])
    if given.cleared_ueur_per_kwh is not None:
        return [Part(PartKind.LAST_CLEARED, given.cleared_ueur_per_kwh)]
    if given.import_ueur_per_kwh is not None and given.export_ueur_per_kwh is not None:
        middle = round_half_even(given.import_ueur_per_kwh + given.export_ueur_per_kwh, 2)
        return [Part(PartKind.GRID_MIDDLE, middle)]
    return []


def _weighted(rates: Sequence[tuple[Rate, int, int]]) -> list[Part]:
    """Parts of a sum that is rounded once: each takes what the sum up to it grows by, rounded."""
    parts, exact, told = [], 0, 0
    for rate, value, weight in rates:
        exact += value * weight
        upto = round_half_even(exact, WHOLE_PPM)
        parts.append(Part(PartKind(rate.value), upto - told, value, weight))
        told = upto
    return parts


def _tier(terms: Terms, instant: datetime) -> list[Part]:
    tier = calendars.tier_at(terms.tiers, terms.calendar, instant)
    return [] if tier is None else [Part(PartKind.TIER, tier.value_ueur_per_kwh, tier=tier.name)]


def _congestion(terms: Terms, flow: Flow) -> list[Part]:
    """adder x (used - from) / (1 - from), where more is used than the share from which on it counts."""
    used = min(abs(flow.used), Fraction(1))
    beyond = used - Fraction(terms.congestion_from_ppm, WHOLE_PPM)
    if beyond <= 0 or not terms.congestion_ueur_per_kwh:
        return []
    adder = round(terms.congestion_ueur_per_kwh * beyond / (1 - Fraction(terms.congestion_from_ppm, WHOLE_PPM)))
    signed = adder if flow.net_import_ukwh > 0 else -adder
    return [Part(PartKind.CONGESTION, signed, share_ppm=round(used * WHOLE_PPM))]


def _bounds(terms: Terms, given: Circumstances, price: int) -> list[Part]:
    parts = []
    floor, cap = given.export_ueur_per_kwh, given.import_ueur_per_kwh
    if terms.has_floor and floor is not None and price < floor:
        parts.append(Part(PartKind.FLOOR, floor - price, floor))
        price = floor
    if terms.has_cap and cap is not None and price > cap:
        parts.append(Part(PartKind.CAP, cap - price, cap))
    return parts


async def set_model(
    session: AsyncSession,
    viewer: Viewer,
    *,
    market_id: UUID,
    terms: Terms,
    valid_from: datetime | None,
    now: datetime,
) -> Model:
    """Set a market's model from an instant on, now unless given; for administrators and the operator of its zone.

    Raises NotFound, NotAllowed, InvalidValue, WeightsDoNotAddUp, BeginsOutOfRange.
    """
    zone_id = (await session.execute(select(Market.zone_id).where(Market.id == market_id))).scalar_one_or_none()
    if zone_id is None:
        raise NotFound("market", market_id)
    grid_tariffs.require_operator(viewer, zone_id, "set the price model of this market")
    _check(terms)
    model = Model(new_id(), market_id, grid_tariffs.check_begin(valid_from, now), terms)
    await session.execute(insert(PriceModel).values(_row(model)))
    if terms.tiers:
        rows = [{"price_model_id": model.id, "rank": n} | calendars.row_of(tier) for n, tier in enumerate(terms.tiers)]
        await session.execute(insert(PriceTier), rows)
    facts = _row(model) | {"tiers": [calendars.row_of(tier) for tier in terms.tiers]}
    subject = ("PriceModel", model.id)
    await entries.record(session, "price_model.set", actor=viewer.key, subject=subject, scope_id=market_id, facts=facts)
    return model


def _check(terms: Terms) -> None:
    for name, share in (
        *((f"{_FIELDS[rate]}Weight", terms.weights_ppm[rate]) for rate in Rate),
        ("compensation", terms.compensation_ppm),
        ("divider", terms.divider_ppm),
    ):
        if not 0 <= share <= WHOLE_PPM:
            raise InvalidValue((name,), "It must be 0 to 1.")
    total = sum(terms.weights_ppm[rate] for rate in Rate)
    if total != WHOLE_PPM:
        raise WeightsDoNotAddUp(total)
    if not 0 <= terms.congestion_from_ppm < WHOLE_PPM:
        raise InvalidValue(("congestionFrom",), "It must be 0 to 0.999999.")
    if terms.congestion_ueur_per_kwh < 0:
        raise InvalidValue(("congestionAdder",), "It must not be negative.")
    calendars.check_price(("congestionAdder",), terms.congestion_ueur_per_kwh)
    calendars.check(terms.calendar, terms.tiers)


_FIELDS = {
    Rate.SUPPLY_DEMAND_RATIO: "supplyDemandRatio",
    Rate.MID_MARKET_RATE: "midMarketRate",
    Rate.CROSSING_VALUE: "crossingValue",
}


def _row(model: Model) -> dict[str, Any]:
    terms = model.terms
    return {
        "id": model.id,
        "market_id": model.market_id,
        "valid_from": model.valid_from,
        "ratio_weight_ppm": terms.weights_ppm[Rate.SUPPLY_DEMAND_RATIO],
        "mid_market_weight_ppm": terms.weights_ppm[Rate.MID_MARKET_RATE],
        "crossing_weight_ppm": terms.weights_ppm[Rate.CROSSING_VALUE],
        "compensation_ppm": terms.compensation_ppm,
        "divider_ppm": terms.divider_ppm,
        "congestion_ueur_per_kwh": terms.congestion_ueur_per_kwh,
        "congestion_from_ppm": terms.congestion_from_ppm,
        "has_floor": terms.has_floor,
        "has_cap": terms.has_cap,
        "timezone": terms.calendar.timezone,
        "holidays": sorted(terms.calendar.holidays),
    }


def _model(row: Any) -> Model:
    weights = {
        Rate.SUPPLY_DEMAND_RATIO: row.ratio_weight_ppm,
        Rate.MID_MARKET_RATE: row.mid_market_weight_ppm,
        Rate.CROSSING_VALUE: row.crossing_weight_ppm,
    }
    terms = Terms(
        weights,
        row.compensation_ppm,
        row.divider_ppm,
        row.congestion_ueur_per_kwh,
        row.congestion_from_ppm,
        row.has_floor,
        row.has_cap,
        Calendar(row.timezone, frozenset(row.holidays)),
        calendars.tiers_of(row.tiers),
    )
    return Model(row.id, row.market_id, row.valid_from, terms)


Cell = tuple[UUID, datetime]


@dataclass(frozen=True, slots=True)
class Read:
    """What model prices of some markets and intervals are made of."""

    models: Sequence[Model]
    tariffs: Sequence[Tariff]
    zones: Mapping[UUID, UUID]
    levels: Mapping[Cell, Sequence[Level]]
    cleared: Mapping[Cell, int]
    flows: Mapping[Cell, Flow]

    def model_at(self, cell: Cell) -> Model | None:
        """The model that holds for an interval of a market."""
        held = [model for model in self.models if model.market_id == cell[0] and model.valid_from <= cell[1]]
        return held[-1] if held else None

    def circumstances(self, cell: Cell, rates: Mapping[Rate, int]) -> Circumstances:
        """What holds for an interval of a market, with the rates of its book."""
        market_id, start = cell
        zone_id = self.zones[market_id]
        return Circumstances(
            rates,
            self.cleared.get(cell),
            self.flows.get(cell, Flow()),
            grid_tariffs.price_at(self.tariffs, zone_id, GridDirection.IMPORT, start),
            grid_tariffs.price_at(self.tariffs, zone_id, GridDirection.EXPORT, start),
        )


CELLS = (
    bindparam("market_ids", type_=ARRAY(Uuid())),
    bindparam("starts", type_=ARRAY(DateTime(timezone=True))),
)
MODELS = text("""
    SELECT model.*, coalesce((SELECT json_agg(tier ORDER BY rank) FROM price_tier AS tier
                              WHERE tier.price_model_id = model.id), '[]') AS tiers
    FROM price_model AS model
    WHERE market_id = ANY(:market_ids) AND valid_from <= :until
      AND NOT EXISTS (SELECT FROM price_model AS newer
                      WHERE newer.market_id = model.market_id AND newer.valid_from <= :since
                        AND (newer.valid_from, newer.id) > (model.valid_from, model.id))
    ORDER BY valid_from, id
""").bindparams(
    bindparam("market_ids", type_=ARRAY(Uuid())),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)
CLEARED = text("""
    SELECT market_id, delivery_start, (array_agg(price_ueur_per_kwh ORDER BY batch DESC))[1] AS price_ueur_per_kwh,
           sum(bought_ukwh - sold_ukwh) AS net_import_ukwh
    FROM clearing WHERE market_id = ANY(:market_ids) AND delivery_start = ANY(:starts)
    GROUP BY market_id, delivery_start
""").bindparams(*CELLS)
LINKED = text("""
    SELECT market.id, market.zone_id,
           (SELECT coalesce(sum(capacity_ukwh), 0) FROM zone_link WHERE to_zone_id = market.zone_id) AS into_zone,
           (SELECT coalesce(sum(capacity_ukwh), 0) FROM zone_link WHERE from_zone_id = market.zone_id) AS out_of_zone
    FROM market WHERE id = ANY(:market_ids)
""").bindparams(bindparam("market_ids", type_=ARRAY(Uuid())))


async def models(
    connection: AsyncConnection, market_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Model]:
    """The models of markets that hold at some instant of [since, until], in the order in which they begin."""
    given = {"market_ids": list(market_ids), "since": since, "until": until}
    return [_model(row) for row in await connection.execute(MODELS, given)]


async def read(connection: AsyncConnection, cells: Collection[Cell]) -> Read:
    """What the model prices of intervals of markets are made of; open orders as they are now."""
    market_ids, starts = sorted({cell[0] for cell in cells}), sorted({cell[1] for cell in cells})
    given = {"market_ids": market_ids, "starts": starts}
    links = {row.id: row for row in await connection.execute(LINKED, {"market_ids": market_ids})}
    zones = {market_id: row.zone_id for market_id, row in links.items()}
    levels: dict[Cell, list[Level]] = {}
    here = OrderInterval.market_id.in_(market_ids), OrderInterval.delivery_start.in_(starts)
    for row in await connection.execute(book.open_levels().where(*here).order_by("side", "price")):
        level = Level(row.side, row.price, int(row.energy))
        levels.setdefault((row.market_id, row.delivery_start), []).append(level)
    cleared: dict[Cell, int] = {}
    flows: dict[Cell, Flow] = {}
    for row in await connection.execute(CLEARED, given):
        cell, link = (row.market_id, row.delivery_start), links[row.market_id]
        cleared[cell] = row.price_ueur_per_kwh
        flows[cell] = Flow(int(row.net_import_ukwh), int(link.into_zone), int(link.out_of_zone))
    return Read(
        models=await models(connection, market_ids, starts[0], starts[-1]),
        tariffs=await grid_tariffs.holding(connection, set(zones.values()), starts[0], starts[-1]),
        zones=zones,
        levels=levels,
        cleared=cleared,
        flows=flows,
    )
