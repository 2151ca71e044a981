"""Follow a market: its trades, its prices and its book.

Each event carries a cursor; after a lost connection the stream resumes behind it without gaps, at least once. Who
asks is read again before every event, so that a session that ended ends the stream.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.cursors import AFTER, cursor_of, number_in
from api.graphql.scalars import DateTime, Micro, key_of
from api.graphql.sights import SIGHT, EntitySight, anybody_signed_in
from api.graphql.words import describe
from api.market.clearing import book as books
from api.market.clearing.book import DELIVERY_START, DEPTH, OrderBook
from api.market.clearing.trades import Trade
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.events.tables import Event
from domain.market.clearing import ticks, trades
from domain.market.clearing.ticks import TickKind
from domain.market.places import changes

describe(
    TickKind,
    "Whether a price was paid.",
    CLEARED="Energy was traded at this price.",
    INDICATIVE="Nothing was traded: the middle between the best buy and the best sell, other zones included.",
)
MARKET_ID = Annotated[strawberry.ID, strawberry.argument(description="Id of the market.")]


@strawberry.type(description="A trade with its place in the market's stream of trades.")
class TradeEvent:
    cursor: str = strawberry.field(description="Place of the event, to resume `after` it.")
    trade: Trade = strawberry.field(description="The trade.")


@strawberry.type(description="A price of one delivery interval with its place in the market's stream of prices.")
class PriceTick:
    cursor: str = strawberry.field(description="Place of the event, to resume `after` it.")
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="Price of the zone, EUR/kWh.")
    kind: TickKind = strawberry.field(description="Whether it was paid.")
    volume_ukwh: Micro = strawberry.field(
        name="volumeKwh", description="The larger of what was bought and sold in the clearing, kWh; 0 if indicative."
    )


def _key_of(info: Info, id: strawberry.ID) -> UUID:
    """The market's key, for who signed in. Raises Unauthenticated, BadUserInput."""
    _ = info.context.caller
    return key_of(id, "Market", "marketId")


async def _check(info: Info, key: UUID) -> None:
    """Raises BadUserInput where there is no such market."""
    if await info.context.loaders.node("Market", key) is None:
        raise BadUserInput("There is no such market.", argument="marketId")


def _number(after: str | None, stream: str) -> int | None:
    return None if after is None else number_in(after, stream)


def _tick(event: Event) -> PriceTick:
    tick = ticks.tick_of(event.payload)
    return PriceTick(
        cursor=cursor_of(event),
        delivery_start=DateTime(tick.delivery_start),
        price_ueur_per_kwh=Micro(tick.price_ueur_per_kwh),
        kind=tick.kind,
        volume_ukwh=Micro(tick.volume_ukwh),
    )


@strawberry.type
class MarketSubscriptions:
    @strawberry.subscription(
        description="Trades with a buyer or a seller in a market, in order; for who is signed in.",
        metadata={SIGHT: EntitySight("Trade")},
    )
    async def trades(self, info: Info, market_id: MARKET_ID, after: AFTER = None) -> AsyncIterator[TradeEvent]:
        key = _key_of(info, market_id)
        stream = trades.stream_of(key)
        async for event in info.context.follow(stream, _number(after, stream), check=partial(_check, info, key)):
            trade = await info.context.loaders.node("Trade", UUID(event.payload["trade_id"]))
            if trade is not None:
                yield TradeEvent(cursor=cursor_of(event), trade=trade)

    @strawberry.subscription(
        description="Prices of a market in order: without `after` first the standing price of each coming delivery "
        "interval, then every new one; for who is signed in.",
        metadata={SIGHT: anybody_signed_in},
    )
    async def price_ticks(self, info: Info, market_id: MARKET_ID, after: AFTER = None) -> AsyncIterator[PriceTick]:
        key = _key_of(info, market_id)
        stream = ticks.stream_of(key)

        async def standing() -> tuple[list[Event], int]:
            async with info.context.database.transaction() as session:
                return await ticks.standing(session, key, clock.now())

        async for event in info.context.follow(stream, _number(after, stream), standing, partial(_check, info, key)):
            yield _tick(event)

    @strawberry.subscription(
        description="The book of one delivery interval, now and whenever it changes; for who is signed in.",
        metadata={SIGHT: anybody_signed_in},
    )
    async def order_book(
        self, info: Info, market_id: MARKET_ID, delivery_start: DELIVERY_START, depth: DEPTH = 20
    ) -> AsyncIterator[OrderBook]:
        key = _key_of(info, market_id)
        shown = None
        about = partial(changes.is_about, delivery_start=delivery_start)
        async for event in info.context.watch(changes.stream_of(key), about):
            if event is None:
                await _check(info, key)
            current = await books.read(info.context, key, delivery_start, depth)
            if current != shown:
                shown = current
                yield shown
