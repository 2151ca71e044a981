"""Markets over GraphQL."""

from typing import Any

import strawberry
from sqlalchemy import ColumnElement, select

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.geography.filters import matching
from api.graphql.context import Info
from api.graphql.mutations import CODE_TAKEN, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from domain.geography.tables import MarketZone as ZoneTable
from domain.geography.tables import SubstationArea as AreaTable
from domain.market.places import markets, tables, visibility


@entity(tables.Market, visible=visibility.public)
class Market(Node):
    """A place where a zone's energy is traded, cleared in frequent batches. Visible to everybody."""

    name: str = column(tables.Market.name, "Name.")
    zone = edge(tables.Market.zone_id, "MarketZone", "The zone whose energy is traded.")
    pricing: tables.PricingRule = column(tables.Market.pricing, "How a clearing sets prices.")
    batch_seconds: int = column(tables.Market.batch_seconds, "How long orders gather before they are cleared, seconds.")
    delivery_minutes: int = column(tables.Market.delivery_minutes, "Length of a delivery interval, minutes.")
    horizon_hours: int = column(tables.Market.horizon_hours, "How far ahead deliveries are traded, hours.")
    last_price_ueur_per_kwh: Micro | None = column(
        tables.Market.last_price_ueur_per_kwh,
        "Price of the earliest delivery traded in the last clearing, EUR/kWh; null before the first one.",
        name="lastPrice",
    )
    penalty_ueur_per_kwh: Micro = column(
        tables.Market.penalty_ueur_per_kwh,
        "What a side that falls short of a trade pays to the other, EUR/kWh.",
        name="penalty",
    )
    energy_vat_ppm: Micro = column(
        tables.Market.energy_vat_ppm, "VAT on energy that buyers pay, as a share from 0 to 1.", name="energyVatRate"
    )
    grace_days: int = column(tables.Market.grace_days, "After so many days, readings that are missing count as zero.")
    is_capacity_checked: bool = column(
        tables.Market.is_capacity_checked, "Whether sellers may offer no more than their plants can inject."
    )
    created_at: DateTime = column(tables.Market.created_at, "When it was opened.")
    charges = many(
        "MarketCharge",
        "What is paid beside the price: all rates ever set, oldest first.",
        on=tables.MarketCharge.market_id,
    )


@extends("MarketZone")
class MarketOfZone:
    market = edge(
        ZoneTable.id,
        "Market",
        "The market of the zone; null where there is none.",
        match=tables.Market.zone_id,
        is_optional=True,
    )


@extends("SubstationArea")
class MarketOfArea:
    market = edge(
        AreaTable.market_zone_id,
        "Market",
        "The market of its zone; null where there is none.",
        match=tables.Market.zone_id,
        is_optional=True,
    )


@strawberry.input(description="Which markets; all the given conditions must hold.")
class MarketFilter:
    code: str | None = strawberry.field(default=None, description="The market of the zone of exactly this code.")
    name: str | None = strawberry.field(
        default=None, description="Markets of zones with this in their name, in any case."
    )


def conditions(given: MarketFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL. Raises BadUserInput."""
    of_zone: list[Any] = matching(ZoneTable)(given)
    return [tables.Market.zone_id.in_(select(ZoneTable.id).where(*of_zone))] if of_zone else []


@strawberry.type(description="The zone has a market already.")
class MarketExists(UserError):
    pass


@refusal(markets.MarketExists)
def _market_exists(error: markets.MarketExists) -> UserError:
    return MarketExists(code=CODE_TAKEN, message=error.message, path=["zoneId"])


@strawberry.input(description="A market to open in a zone.")
class CreateMarketInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that has no market.")
    name: str = strawberry.field(description="Name, 1 to 120 characters.")
    batch_seconds: int = strawberry.field(default=5, description="How long orders gather, 1 to 900 seconds.")
    delivery_minutes: int = strawberry.field(
        default=15, description="Length of a delivery interval: 15, 30 or 60 minutes."
    )
    horizon_hours: int = strawberry.field(
        default=48, description="How far ahead deliveries are traded, 1 to 168 hours."
    )
    pricing: tables.PricingRule = strawberry.field(
        default=tables.PricingRule.UNIFORM, description="How clearings set prices."
    )
    penalty_ueur_per_kwh: Micro = strawberry.field(
        name="penalty",
        default=Micro(0),
        description="What a side that falls short of a trade pays to the other, EUR/kWh, 0 to 4.",
    )
    energy_vat_rate: Micro = strawberry.field(
        default=Micro(0), description="VAT on energy that buyers pay, as a share from 0 to 1, such as 0.08."
    )
    grace_days: int = strawberry.field(
        default=10, description="After so many days, 0 to 90, readings that are missing count as zero."
    )
    is_capacity_checked: bool = strawberry.field(
        default=True, description="Whether sellers may offer no more than their plants can inject."
    )


@strawberry.type(description="A market that was opened.")
class CreateMarketPayload(Payload):
    market = edge(None, "Market", "The market.")


@strawberry.type
class MarketListQueries:
    markets = many("Market", "Markets, oldest first.", filter=MarketFilter, where=conditions)


@strawberry.type
class MarketListMutations:
    @mutation("Open a market in a zone; administrators only.")
    async def create_market(self, info: Info, input: CreateMarketInput) -> CreateMarketPayload:
        async with info.context.transaction() as session:
            market_id = await markets.create(
                session,
                info.context.caller,
                zone_id=key_of(input.zone_id, "MarketZone", "zoneId"),
                name=input.name,
                batch_seconds=input.batch_seconds,
                delivery_minutes=input.delivery_minutes,
                horizon_hours=input.horizon_hours,
                pricing=input.pricing,
                penalty_ueur_per_kwh=input.penalty_ueur_per_kwh,
                energy_vat_ppm=input.energy_vat_rate,
                grace_days=input.grace_days,
                is_capacity_checked=input.is_capacity_checked,
            )
        return leading(CreateMarketPayload(), market=market_id)
