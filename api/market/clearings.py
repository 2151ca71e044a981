"""Clearings over GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import DateTime as Instant
from sqlalchemy import func

from api.engine.declarations import Node, entity
from api.engine.fields import column, edge
from api.scalars import DateTime, Decimal
from domain.market import tables, visibility

if TYPE_CHECKING:
    from api.market.markets import Market


@entity(tables.Clearing, visible=visibility.public)
class Clearing(Node):
    """The outcome of one batch for one market and delivery interval. Visible to everybody; never edited."""

    market: Annotated["Market", strawberry.lazy("api.market.markets")] = edge(
        tables.Clearing.market_id, "Market", "The market that was cleared."
    )
    delivery_start: DateTime = column(tables.Clearing.delivery_start, "Start of the delivery interval.")
    batch_opened_at: DateTime = column(
        func.to_timestamp(tables.Clearing.batch, type_=Instant(timezone=True)),
        "When the batch opened; later batches of a market open later.",
    )
    price_ueur_per_kwh: Decimal = column(
        tables.Clearing.price_ueur_per_kwh,
        "Price of the zone, EUR/kWh: the midpoint of lowest and highest.",
        name="price",
    )
    price_low_ueur_per_kwh: Decimal = column(
        tables.Clearing.price_low_ueur_per_kwh, "Lowest price that balances the zone, EUR/kWh.", name="lowestPrice"
    )
    price_high_ueur_per_kwh: Decimal = column(
        tables.Clearing.price_high_ueur_per_kwh, "Highest price that balances the zone, EUR/kWh.", name="highestPrice"
    )
    bought_ukwh: Decimal = column(
        tables.Clearing.bought_ukwh, "Energy bought by orders of this market, kWh.", name="boughtKwh"
    )
    sold_ukwh: Decimal = column(tables.Clearing.sold_ukwh, "Energy sold by orders of this market, kWh.", name="soldKwh")
    welfare_ueur: Decimal = column(
        tables.Clearing.welfare_ueur,
        "What its buyers would have paid, and its sellers gone without, beyond the price, EUR.",
        name="surplus",
    )
    orders_count: int = column(tables.Clearing.orders_count, "How many orders of this market took part.")
    input_digest: str = column(
        tables.Clearing.input_digest, "SHA-256 of all that was cleared together: the same input, the same outcome."
    )
    created_at: DateTime = column(tables.Clearing.created_at, "When it was recorded.")
