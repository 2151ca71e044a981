"""Markets over GraphQL."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, select

from api.engine.connections import Connection
from api.engine.declarations import Node, edge_key, entity, leading
from api.engine.fields import column, edge, many
from api.geography.filters import matching
from api.geography.market_zones import MarketZone
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.periods import PeriodInput
from api.graphql.scalars import DateTime, Decimal, key_of
from api.market.clearing import book, ticks
from api.market.clearing.book import OrderBook
from api.market.clearing.ticks import PriceSeries
from api.market.clearing.trades import BY_MARKET, trades
from api.market.delivery import deliveries
from api.market.delivery.deliveries import DELIVERED, DeliveryTotals
from api.market.orders.orders import own_orders
from api.market.prices import forecasts, models
from api.market.prices.forecasts import PriceForecast
from api.market.prices.models import AT, INTERVALS, ModelPriceShown, PriceModel
from api.market.prices.tariffs import GridTariff
from api.market.view import market_view
from api.market.view.market_view import MarketView
from api.resources import clock
from domain.geography.tables import MarketZone as ZoneTable
from domain.kernel.intervals import Resolution
from domain.market.auctions import tables as auction_tables
from domain.market.clearing import tables as clearing_tables
from domain.market.orders import tables as order_tables
from domain.market.places import markets, tables, visibility

if TYPE_CHECKING:
    from api.market.auctions.auctions import DutchAuction
    from api.market.clearing.clearings import Clearing
    from api.market.clearing.trades import Trade
    from api.market.orders.orders import Order
    from api.market.places.charges import MarketCharge

DELIVERY_START = Annotated[DateTime, strawberry.argument(description="Start of a delivery interval.")]
DEPTH = Annotated[int, strawberry.argument(description="How many price levels of each side, 1 to 100.")]
PERIOD = Annotated[
    PeriodInput, strawberry.argument(description="Deliveries that begin in it; at most 10000 intervals.")
]
RESOLUTION = Annotated[Resolution, strawberry.argument(description="PT15M, PT30M or PT1H; not finer than deliveries.")]


@entity(tables.Market, visible=visibility.public)
class Market(Node):
    """A place where a zone's energy is traded, cleared in frequent batches. Visible to everybody."""

    name: str = column(tables.Market.name, "Name.")
    zone: MarketZone = edge(tables.Market.zone_id, "MarketZone", "The zone whose energy is traded.")
    pricing: tables.PricingRule = column(tables.Market.pricing, "How a clearing sets prices.")
    batch_seconds: int = column(tables.Market.batch_seconds, "How long orders gather before they are cleared, seconds.")
    delivery_minutes: int = column(tables.Market.delivery_minutes, "Length of a delivery interval, minutes.")
    horizon_hours: int = column(tables.Market.horizon_hours, "How far ahead deliveries are traded, hours.")
    last_price_ueur_per_kwh: Decimal | None = column(
        tables.Market.last_price_ueur_per_kwh,
        "Price of the earliest delivery traded in the last clearing, EUR/kWh; null before the first one.",
        name="lastPrice",
    )
    penalty_ueur_per_kwh: Decimal = column(
        tables.Market.penalty_ueur_per_kwh,
        "What a side that falls short of a trade pays to the other, EUR/kWh.",
        name="penalty",
    )
    energy_vat_ppm: Decimal = column(
        tables.Market.energy_vat_ppm, "VAT on energy that buyers pay, as a share from 0 to 1.", name="energyVatRate"
    )
    grace_days: int = column(tables.Market.grace_days, "After so many days, readings that are missing count as zero.")
    is_capacity_checked: bool = column(
        tables.Market.is_capacity_checked, "Whether sellers may offer no more than their plants can inject."
    )
    created_at: DateTime = column(tables.Market.created_at, "When it was opened.")
    charges: Connection[Annotated["MarketCharge", strawberry.lazy("api.market.places.charges")]] = many(
        "MarketCharge",
        "What is paid beside the price: all rates ever set, oldest first.",
        on=tables.MarketCharge.market_id,
    )
    orders: Connection[Annotated["Order", strawberry.lazy("api.market.orders.orders")]] = own_orders(
        "Orders of the viewer in this market, oldest first.", on=order_tables.Order.market_id
    )
    trades: Connection[Annotated["Trade", strawberry.lazy("api.market.clearing.trades")]] = trades(
        "Trades with a buyer or a seller in this market, oldest first; none for who is not signed in.",
        source=BY_MARKET,
        on=BY_MARKET.c.parent_id,
    )
    auctions: Connection[Annotated["DutchAuction", strawberry.lazy("api.market.auctions.auctions")]] = many(
        "DutchAuction", "Dutch auctions, oldest first.", on=auction_tables.DutchAuction.market_id
    )
    clearings: Connection[Annotated["Clearing", strawberry.lazy("api.market.clearing.clearings")]] = many(
        "Clearing",
        "Clearings in which energy was traded or passed through, oldest first.",
        on=clearing_tables.Clearing.market_id,
    )

    @strawberry.field(
        description="What became of trades whose buyers are in this market; null unless the viewer operates its zone."
    )
    async def delivery_totals(self, info: Info, period: DELIVERED) -> DeliveryTotals | None:
        market_id, zone_id = self.__dict__["id"], self.__dict__[edge_key("zone")]
        return await deliveries.totals(info.context, market_id, zone_id, period.span())

    @strawberry.field(description="What is open for one delivery interval, by price; never whose.")
    async def order_book(self, info: Info, delivery_start: DELIVERY_START, depth: DEPTH = 20) -> OrderBook:
        return await book.read(info.context, self.__dict__["id"], delivery_start, depth)

    @strawberry.field(description="Prices cleared for deliveries in a period, as packed columns.")
    async def prices(self, info: Info, period: PERIOD, resolution: RESOLUTION) -> PriceSeries:
        return await ticks.read(info.context, self.__dict__["id"], self.delivery_minutes, period.span(), resolution)

    @strawberry.field(description="How its model prices are made now; null where nobody has set a model.")
    async def price_model(self, info: Info) -> PriceModel | None:
        return (await models.standing(info.context, self.__dict__["id"])).model

    @strawberry.field(description="What the grid takes and pays in its zone now, at most one tariff of each direction.")
    async def grid_tariffs(self, info: Info) -> list[GridTariff]:
        return (await models.standing(info.context, self.__dict__["id"])).tariffs

    @strawberry.field(
        description="The model price of the delivery interval that holds an instant, of what is open now; null where "
        "no model held then."
    )
    async def model_price(self, info: Info, at: AT) -> ModelPriceShown | None:
        made = await models.prices(info.context, self.__dict__["id"], self.delivery_minutes, at, 1)
        return made[0] if made else None

    @strawberry.field(
        description="Model prices of the current delivery interval and those that follow it; null without a model."
    )
    async def model_prices(self, info: Info, intervals: INTERVALS = 2) -> list[ModelPriceShown] | None:
        now = clock.now()
        return await models.prices(info.context, self.__dict__["id"], self.delivery_minutes, now, intervals)

    @strawberry.field(description="The newest price forecast; null before the first one, which follows a clearing.")
    async def forecast(self, info: Info) -> PriceForecast | None:
        return await forecasts.latest(info.context, self.__dict__["id"])

    @strawberry.field(description="What the market looks like now.")
    async def view(self, info: Info) -> MarketView:
        return await market_view.read(info.context, self.__dict__["id"])


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
    return MarketExists(code=ErrorCode.CODE_TAKEN, message=error.message, path=["zoneId"])


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
    penalty_ueur_per_kwh: Decimal = strawberry.field(
        name="penalty",
        default=Decimal(0),
        description="What a side that falls short of a trade pays to the other, EUR/kWh, 0 to 4.",
    )
    energy_vat_rate: Decimal = strawberry.field(
        default=Decimal(0), description="VAT on energy that buyers pay, as a share from 0 to 1, such as 0.08."
    )
    grace_days: int = strawberry.field(
        default=10, description="After so many days, 0 to 90, readings that are missing count as zero."
    )
    is_capacity_checked: bool = strawberry.field(
        default=True, description="Whether sellers may offer no more than their plants can inject."
    )


@strawberry.type(description="A market that was opened.")
class CreateMarketPayload(Payload):
    market: Market | None = edge(None, "Market", "The market.")


@strawberry.type
class MarketListQueries:
    markets: Connection[Annotated["Market", strawberry.lazy("api.market.places.markets")]] = many(
        "Market", "Markets, oldest first.", filter=MarketFilter, where=conditions
    )


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
