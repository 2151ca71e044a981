"""Price models of markets: set, found, and what `model_prices` makes prices of, read for many intervals at once.

Decision, 2026-11-21: a model is a row that is never edited, and none begins in the past. So the price of an instant can
be made again, from the model and the tariffs that held then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.identity.viewers import Viewer
from domain.kernel.database import among, new_id
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.quantities import WHOLE_PPM
from domain.market.clearing import book
from domain.market.clearing.book import Level
from domain.market.orders.tables import OrderInterval
from domain.market.places.tables import Market
from domain.market.prices import calendars
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.calendars import Calendar
from domain.market.prices.model_prices import Circumstances, Flow, Model, Rate, Terms
from domain.market.prices.tables import GridDirection, PriceModel, PriceTier
from domain.market.prices.tariffs import Tariff


class WeightsDoNotAddUp(DomainError):
    """The weights of the rates are shares of one whole."""

    def __init__(self, total_ppm: int) -> None:
        super().__init__("The weights of the three rates must add up to 1.")
        self.total_ppm = total_ppm


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
    here = among(OrderInterval.market_id, market_ids), among(OrderInterval.delivery_start, starts)
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
