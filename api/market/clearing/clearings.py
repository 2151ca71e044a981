"""Clearings over GraphQL."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import DateTime as Instant
from sqlalchemy import case, func, select

from api.engine.declarations import Node, entity, extends
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.scalars import DateTime, Micro
from domain.kernel.database import among
from domain.market.clearing import tables, untraded
from domain.market.orders import tables as order_tables
from domain.market.places import visibility


@strawberry.type(description="The price of a class of energy in a zone.")
class ClassPrice:
    accepts: order_tables.Acceptance = strawberry.field(description="Whoever accepts only this.")
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="EUR/kWh, at least the price of the zone.")


@entity(tables.Clearing, visible=visibility.public)
class Clearing(Node):
    """The outcome of one batch for one market and delivery interval. Visible to everybody; never edited."""

    market = edge(tables.Clearing.market_id, "Market", "The market that was cleared.")
    delivery_start: DateTime = column(tables.Clearing.delivery_start, "Start of the delivery interval.")
    batch_opened_at: DateTime = column(
        case(
            (
                tables.Clearing.batch < tables.UNBATCHED,
                func.to_timestamp(tables.Clearing.batch, type_=Instant(timezone=True)),
            ),
            else_=tables.Clearing.created_at,  # An auction's: its number is no instant.
        ),
        "When the batch opened; later batches of a market open later.",
    )
    price_ueur_per_kwh: Micro = column(
        tables.Clearing.price_ueur_per_kwh,
        "Price of the zone, EUR/kWh: the midpoint of lowest and highest.",
        name="price",
    )
    price_low_ueur_per_kwh: Micro = column(
        tables.Clearing.price_low_ueur_per_kwh, "Lowest price that balances the zone, EUR/kWh.", name="lowestPrice"
    )
    price_high_ueur_per_kwh: Micro = column(
        tables.Clearing.price_high_ueur_per_kwh, "Highest price that balances the zone, EUR/kWh.", name="highestPrice"
    )
    bought_ukwh: Micro = column(
        tables.Clearing.bought_ukwh, "Energy bought by orders of this market, kWh.", name="boughtKwh"
    )
    sold_ukwh: Micro = column(tables.Clearing.sold_ukwh, "Energy sold by orders of this market, kWh.", name="soldKwh")
    welfare_ueur: Micro = column(
        tables.Clearing.welfare_ueur,
        "What its buyers would have paid, and its sellers gone without, beyond the price, EUR.",
        name="surplus",
    )
    bound_ueur: Micro | None = column(
        tables.Clearing.bound_ueur,
        "No outcome of the batch's delivery interval, all linked zones together, could gain more, EUR; null where "
        "orders that are flexible in time tie it to other intervals.",
        name="bound",
    )
    congestion_rent_ueur: Micro = column(
        tables.Clearing.congestion_rent_ueur,
        "Price differences over the links into the zone beyond their cost, EUR; the grid operator's.",
        name="congestionRent",
    )
    orders_count: int = column(tables.Clearing.orders_count, "How many orders of this market took part.")
    input_digest: str = column(
        tables.Clearing.input_digest, "SHA-256 of all that was cleared together: the same input, the same outcome."
    )
    created_at: DateTime = column(tables.Clearing.created_at, "When it was recorded.")

    @strawberry.field(description="Prices of classes of energy that differ from the price of the zone.")
    async def class_prices(self, info: Info) -> list[ClassPrice]:
        found = await _recorded(info, self.__dict__["id"])
        return [
            ClassPrice(accepts=order_tables.Acceptance(kind), price_ueur_per_kwh=Micro(price))
            for kind, price in sorted(found.class_prices.items())
        ]

    @strawberry.field(
        description="What the clearing was computed with, beside the orders, as JSON: pricing, links and what was left "
        "of each, versions. With the orders and the digest it can be computed again."
    )
    async def parameters(self, info: Info) -> str:
        found = await _recorded(info, self.__dict__["id"])
        # Which orders were left out, and what they had met, is for their owners, who are told why.
        shown = {name: value for name, value in found.parameters.items() if name not in untraded.TOLD}
        return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS).decode()


@extends("Market")
class ClearingsOfMarket:
    clearings = many(
        "Clearing",
        "Clearings in which energy was traded or passed through, oldest first.",
        on=tables.Clearing.market_id,
    )


class RecordedRow(NamedTuple):
    """What is kept of a clearing as JSON."""

    id: UUID
    class_prices: Mapping[str, int]
    parameters: Mapping[str, object]


async def _recorded(info: Info, id: UUID) -> RecordedRow:
    """What is kept of a clearing as JSON, read for all clearings of an operation at once."""

    async def load(ids: list[UUID]) -> list[RecordedRow]:
        columns = (tables.Clearing.id, tables.Clearing.class_prices, tables.Clearing.parameters)
        query = select(*columns).where(among(tables.Clearing.id, ids))
        async with info.context.database.reading() as connection:
            found = {row.id: row for row in map(RecordedRow._make, await connection.execute(query))}
        return [found[id] for id in ids]

    recorded: RecordedRow = await info.context.loaders.loader("clearing records", load).load(id)
    return recorded
