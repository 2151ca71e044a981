"""The order book over GraphQL: price levels, never names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.scalars import DateTime, Micro
from api.transport.limits.reads import some
from api.transport.terms.errors import BadUserInput
from domain.market.clearing import book
from domain.market.places.tables import OrderSide

DEPTH_MAX = 100


@strawberry.type(description="Open energy at one limit price, of one order or more.")
class PriceLevel:
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="Limit price, EUR/kWh.")
    energy_ukwh: Micro = strawberry.field(name="energyKwh", description="Open energy at this price, kWh.")


@strawberry.type(description="What is open in a market for one delivery interval, by price.")
class OrderBook:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    buy: list[PriceLevel] = strawberry.field(description="What is wanted, highest price first; at most 100 levels.")
    sell: list[PriceLevel] = strawberry.field(description="What is offered, lowest price first; at most 100 levels.")


DELIVERY_START = Annotated[DateTime, strawberry.argument(description="Start of a delivery interval.")]
DEPTH = Annotated[int, strawberry.argument(description="How many price levels of each side, 1 to 100.")]


@extends("Market")
class BookOfMarket:
    @strawberry.field(metadata=some(100), description="What is open for one delivery interval, by price; never whose.")
    async def order_book(self, info: Info, delivery_start: DELIVERY_START, depth: DEPTH = 20) -> OrderBook:
        return await read(info.context, self.__dict__["id"], delivery_start, depth)


async def read(context: Context, market_id: UUID, delivery_start: datetime, depth: int) -> OrderBook:
    """A market's book, read together with those of other markets that are asked for. Raises BadUserInput."""
    if not 1 <= depth <= DEPTH_MAX:
        raise BadUserInput(f"depth must be between 1 and {DEPTH_MAX}.", argument="depth", maximum=DEPTH_MAX)

    async def load(market_ids: list[UUID]) -> list[OrderBook]:
        async with context.database.reading() as connection:
            found = await book.levels(connection, market_ids, delivery_start, depth)
        return [_shown(delivery_start, found[market_id]) for market_id in market_ids]

    loaded: OrderBook = await context.loaders.loader(("order book", delivery_start, depth), load).load(market_id)
    return loaded


def _shown(delivery_start: datetime, levels: Sequence[book.Level]) -> OrderBook:
    buy, sell = (
        [
            PriceLevel(price_ueur_per_kwh=Micro(level.limit_price_ueur_per_kwh), energy_ukwh=Micro(level.energy_ukwh))
            for level in book.side_of(levels, side)
        ]
        for side in (OrderSide.BUY, OrderSide.SELL)
    )
    return OrderBook(delivery_start=DateTime(delivery_start), buy=buy, sell=sell)
