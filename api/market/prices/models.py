"""Model prices over GraphQL: the model of a market, its prices with their parts, and how it is set."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.mutations import INVALID_INPUT, Payload, UserError, mutation, refusal
from api.graphql.scalars import Date, DateTime, Micro, key_of
from api.graphql.words import describe
from api.market.prices import bridge, calendars
from api.market.prices import tariffs as grid_tariffs
from api.market.prices.calendars import Tier, TierInput
from api.market.prices.tariffs import TIMEZONE, GridTariff
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.kernel.intervals import floor_to
from domain.kernel.quantities import WHOLE_PPM
from domain.market.prices import model_prices, models, tariffs
from domain.market.prices.model_prices import ModelPrice, PartKind, Rate, Terms
from domain.market.prices.tables import GridDirection

INTERVALS_MAX = 16

describe(
    PartKind,
    "What a part of a model price is.",
    SUPPLY_DEMAND_RATIO="The supply/demand ratio of the open orders, weighted; the mid-market rate where a limit is "
    "negative.",
    MID_MARKET_RATE="The mid-market rate of the open orders, weighted.",
    CROSSING_VALUE="The price at which the open orders would clear, weighted.",
    LAST_CLEARED="The last price cleared for the interval, because nothing is open.",
    GRID_MIDDLE="The middle between the grid's prices, because nothing is open and nothing was cleared.",
    TIER="What a tier of the calendar adds.",
    CONGESTION="What congestion of the zone's links adds, or takes off where the zone gives energy away.",
    FLOOR="What lifts the price to what the grid pays.",
    CAP="What lowers the price to what the grid takes.",
)


@strawberry.type(description="What something adds to a model price.")
class ModelPricePart:
    kind: PartKind = strawberry.field(description="What it is.")
    part_ueur_per_kwh: Micro = strawberry.field(name="part", description="What it adds, EUR/kWh.")
    value_ueur_per_kwh: Micro | None = strawberry.field(
        name="value", description="The whole rate of which this is the weighted part, or the bound, EUR/kWh; else null."
    )
    share: Micro | None = strawberry.field(
        description="Of a rate its weight, of congestion how much of the links is used, 0 to 1; else null."
    )
    tier: str | None = strawberry.field(description="Name of the tier, where it is one.")


@strawberry.type(
    name="ModelPrice",
    description="The model price of a delivery interval, with the parts that add up to it. Visible to everybody.",
)
class ModelPriceShown:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    price_ueur_per_kwh: Micro | None = strawberry.field(
        name="price", description="The price, EUR/kWh; null where nothing is known to make one of."
    )
    parts: list[ModelPricePart] = strawberry.field(description="What adds up to the price; at most 8.")
    model_valid_from: DateTime = strawberry.field(description="Since when the model holds that made it.")


@strawberry.type(description="How model prices of a market are made. Visible to everybody.")
class PriceModel:
    valid_from: DateTime = strawberry.field(description="From when it holds, until a later one does.")
    supply_demand_ratio_weight: Micro = strawberry.field(description="Weight of the supply/demand ratio, 0 to 1.")
    mid_market_rate_weight: Micro = strawberry.field(description="Weight of the mid-market rate, 0 to 1.")
    crossing_value_weight: Micro = strawberry.field(description="Weight of the crossing value, 0 to 1.")
    compensation: Micro = strawberry.field(description="Compensation in the supply/demand ratio, 0 to 1.")
    divider: Micro = strawberry.field(
        description="Where the mid-market rate lies between the dearest sell (0) and the cheapest buy (1), 0 to 1."
    )
    congestion_adder: Micro = strawberry.field(description="What full links add, EUR/kWh.")
    congestion_from: Micro = strawberry.field(description="From which share of the links on congestion counts, 0 to 1.")
    has_floor: bool = strawberry.field(description="Whether it is at least what the grid pays.")
    has_cap: bool = strawberry.field(description="Whether it is at most what the grid takes.")
    tiers: list[Tier] = strawberry.field(
        description="What is added at some hours, EUR/kWh; the first tier that holds counts. At most 24."
    )
    timezone: str = strawberry.field(description=TIMEZONE)
    holidays: list[Date] = strawberry.field(description="Local days that count as holidays, at most 200.")


AT = Annotated[DateTime, strawberry.argument(description="An instant in the delivery interval.")]
INTERVALS = Annotated[int, strawberry.argument(description="How many delivery intervals, 1 to 16.")]


@extends("Market")
class ModelOfMarket:
    @strawberry.field(description="How its model prices are made now; null where nobody has set a model.")
    async def price_model(self, info: Info) -> PriceModel | None:
        return (await standing(info.context, self.__dict__["id"])).model

    @strawberry.field(description="What the grid takes and pays in its zone now, at most one tariff of each direction.")
    async def grid_tariffs(self, info: Info) -> list[GridTariff]:
        return (await standing(info.context, self.__dict__["id"])).tariffs

    @strawberry.field(
        description="The model price of the delivery interval that holds an instant, of what is open now; null where "
        "no model held then."
    )
    async def model_price(self, info: Info, at: AT) -> ModelPriceShown | None:
        market = self.__dict__
        made = await prices(info.context, market["id"], market["delivery_minutes"], at, 1)
        return made[0] if made else None

    @strawberry.field(
        description="Model prices of the current delivery interval and those that follow it; null without a model."
    )
    async def model_prices(self, info: Info, intervals: INTERVALS = 2) -> list[ModelPriceShown] | None:
        market, now = self.__dict__, clock.now()
        return await prices(info.context, market["id"], market["delivery_minutes"], now, intervals)


@dataclass(frozen=True, slots=True)
class Standing:
    """The model and the tariffs that hold in a market now."""

    model: PriceModel | None
    tariffs: list[GridTariff]


async def standing(context: Context, market_id: UUID) -> Standing:
    """What holds now, read together with what holds in other markets that are asked for."""

    async def load(market_ids: list[UUID]) -> list[Standing]:
        now = clock.now()
        async with context.database.reading() as connection:
            read = await models.read(connection, [(market_id, now) for market_id in market_ids])
        return [_standing(read, market_id, now) for market_id in market_ids]

    loaded: Standing = await context.loaders.loader("price model", load).load(market_id)
    return loaded


async def prices(
    context: Context, market_id: UUID, minutes: int, since: datetime, count: int
) -> list[ModelPriceShown] | None:
    """Model prices of intervals from the one that holds an instant on; None where no model holds for the first.

    Those of all markets and intervals that are asked for are read together. Raises BadUserInput.
    """
    if not 1 <= count <= INTERVALS_MAX:
        raise BadUserInput(f"intervals must be 1 to {INTERVALS_MAX}.", argument="intervals", maximum=INTERVALS_MAX)

    async def load(cells: list[models.Cell]) -> list[ModelPrice | None]:
        async with context.database.reading() as connection:
            read = await models.read(connection, cells)
        return await asyncio.to_thread(_made, read, cells)

    first, step = floor_to(since, minutes), timedelta(minutes=minutes)
    loader = context.loaders.loader("model price", load)
    made = await asyncio.gather(*(loader.load((market_id, first + n * step)) for n in range(count)))
    return [_shown(price) for price in made if price is not None] if made[0] is not None else None


def _made(read: models.Read, cells: list[models.Cell]) -> list[ModelPrice | None]:
    """The model price of each cell, None where no model holds."""
    made: list[ModelPrice | None] = []
    for cell in cells:
        model = read.model_at(cell)
        if model is None:
            made.append(None)
            continue
        rates: Mapping[Rate, int] = bridge.rates_of(read.levels.get(cell, ()), model.terms)
        made.append(model_prices.price_of(model, cell[1], read.circumstances(cell, rates)))
    return made


def _standing(read: models.Read, market_id: UUID, now: datetime) -> Standing:
    model = read.model_at((market_id, now))
    held = [tariffs.tariff_at(read.tariffs, read.zones[market_id], direction, now) for direction in GridDirection]
    return Standing(
        model=None if model is None else _model_shown(model),
        tariffs=[grid_tariffs.shown(tariff) for tariff in held if tariff is not None],
    )


def _shown(price: ModelPrice) -> ModelPriceShown:
    made = price.price_ueur_per_kwh
    return ModelPriceShown(
        delivery_start=DateTime(price.delivery_start),
        price_ueur_per_kwh=None if made is None else Micro(made),
        model_valid_from=DateTime(price.model.valid_from),
        parts=[
            ModelPricePart(
                kind=part.kind,
                part_ueur_per_kwh=Micro(part.part_ueur_per_kwh),
                value_ueur_per_kwh=None if part.value_ueur_per_kwh is None else Micro(part.value_ueur_per_kwh),
                share=None if part.share_ppm is None else Micro(part.share_ppm),
                tier=part.tier,
            )
            for part in price.parts
        ],
    )


def _model_shown(model: model_prices.Model) -> PriceModel:
    terms = model.terms
    return PriceModel(
        valid_from=DateTime(model.valid_from),
        supply_demand_ratio_weight=Micro(terms.weights_ppm[Rate.SUPPLY_DEMAND_RATIO]),
        mid_market_rate_weight=Micro(terms.weights_ppm[Rate.MID_MARKET_RATE]),
        crossing_value_weight=Micro(terms.weights_ppm[Rate.CROSSING_VALUE]),
        compensation=Micro(terms.compensation_ppm),
        divider=Micro(terms.divider_ppm),
        congestion_adder=Micro(terms.congestion_ueur_per_kwh),
        congestion_from=Micro(terms.congestion_from_ppm),
        has_floor=terms.has_floor,
        has_cap=terms.has_cap,
        tiers=calendars.shown(terms.tiers),
        timezone=terms.calendar.timezone,
        holidays=calendars.holidays_of(terms.calendar),
    )


@strawberry.type(description="The weights of the three rates do not add up to 1.")
class WeightsDoNotAddUp(UserError):
    total: Micro = strawberry.field(description="What they add up to, instead of 1: a share, 0 to 1 and more.")


@refusal(models.WeightsDoNotAddUp)
def _weights_do_not_add_up(error: models.WeightsDoNotAddUp) -> UserError:
    return WeightsDoNotAddUp(
        code=INVALID_INPUT,
        message=error.message,
        path=["supplyDemandRatioWeight"],
        total=Micro(error.total_ppm),
    )


@strawberry.input(description="How model prices of a market are made from an instant on.")
class SetPriceModelInput:
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    supply_demand_ratio_weight: Micro = strawberry.field(
        default=Micro(0), description="Weight of the supply/demand ratio, 0 to 1; the three add up to 1."
    )
    mid_market_rate_weight: Micro = strawberry.field(
        default=Micro(0), description="Weight of the mid-market rate, 0 to 1; the three add up to 1."
    )
    crossing_value_weight: Micro = strawberry.field(
        default=Micro(0), description="Weight of the crossing value, 0 to 1; the three add up to 1."
    )
    compensation: Micro = strawberry.field(
        default=Micro(0), description="Compensation in the supply/demand ratio, 0 to 1."
    )
    divider: Micro = strawberry.field(
        default=Micro(WHOLE_PPM // 2),
        description="Where the mid-market rate lies between the dearest sell (0) and the cheapest buy (1), 0 to 1.",
    )
    congestion_adder: Micro = strawberry.field(default=Micro(0), description="What full links add, 0 to 4 EUR/kWh.")
    congestion_from: Micro = strawberry.field(
        default=Micro(800_000), description="From which share of the links on congestion counts, 0 to 1, less than 1."
    )
    has_floor: bool = strawberry.field(default=True, description="Whether it is at least what the grid pays.")
    has_cap: bool = strawberry.field(default=True, description="Whether it is at most what the grid takes.")
    tiers: list[TierInput] = strawberry.field(
        default_factory=list,
        description="What is added at some hours, EUR/kWh; the first tier that holds counts. At most 24.",
    )
    timezone: str = strawberry.field(default="UTC", description=TIMEZONE)
    holidays: list[Date] = strawberry.field(
        default_factory=list, description="Local days that count as holidays, at most 200."
    )
    valid_from: DateTime | None = strawberry.field(
        default=None, description="From when it holds, within three years; at once where it is left out."
    )

    def terms(self) -> Terms:
        """The terms as the domain knows them."""
        return Terms(
            weights_ppm={
                Rate.SUPPLY_DEMAND_RATIO: self.supply_demand_ratio_weight,
                Rate.MID_MARKET_RATE: self.mid_market_rate_weight,
                Rate.CROSSING_VALUE: self.crossing_value_weight,
            },
            compensation_ppm=self.compensation,
            divider_ppm=self.divider,
            congestion_ueur_per_kwh=self.congestion_adder,
            congestion_from_ppm=self.congestion_from,
            has_floor=self.has_floor,
            has_cap=self.has_cap,
            calendar=calendars.calendar_of(self.timezone, self.holidays),
            tiers=calendars.tiers_of(self.tiers),
        )


@strawberry.type(description="A price model that was set.")
class SetPriceModelPayload(Payload):
    price_model: PriceModel | None = strawberry.field(default=None, description="The model.")


@strawberry.type
class PriceModelMutations:
    @mutation("Set how model prices of a market are made; for administrators and the operator of its zone.")
    async def set_price_model(self, info: Info, input: SetPriceModelInput) -> SetPriceModelPayload:
        market_id = key_of(input.market_id, "Market", "marketId")
        async with info.context.transaction() as session:
            model = await models.set_model(
                session,
                info.context.caller,
                market_id=market_id,
                terms=input.terms(),
                valid_from=input.valid_from,
                now=clock.now(),
            )
        return SetPriceModelPayload(price_model=_model_shown(model))
