"""Dutch auctions over GraphQL: open one, follow its clock, bid."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, NamedTuple
from uuid import UUID

import strawberry
from sqlalchemy import select

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.cursors import AFTER, cursor_of, number_in
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.periods import Period, PeriodInput
from api.graphql.scalars import DateTime, Micro, key_of
from api.graphql.sights import SIGHT, anybody_signed_in
from api.graphql.words import describe
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.events.tables import Event
from domain.identity.keys import TRADE
from domain.kernel.database import among
from domain.market.auctions import auctions, bids, visibility
from domain.market.auctions.auctions import Descent
from domain.market.auctions.bids import NewBid
from domain.market.auctions.tables import AuctionBid as BidTable
from domain.market.auctions.tables import AuctionStatus
from domain.market.auctions.tables import DutchAuction as AuctionTable
from domain.market.orders.tables import Order
from domain.market.places import visibility as market_visibility
from domain.market.places.tables import EnergySource

AUCTION_CLOSED = ErrorCode("AUCTION_CLOSED", "The auction takes no bids.")
PRICE_ABOVE_LIMIT = ErrorCode("PRICE_ABOVE_LIMIT", "The auction's clock stands above the bidder's limit.")
TOO_LITTLE_LEFT = ErrorCode("TOO_LITTLE_LEFT", "Less is left in the auction than the bid asks for.")

describe(
    AuctionStatus,
    "Where a Dutch auction stands; the last three are final.",
    SCHEDULED="It has not opened yet.",
    OPEN="Its clock is running.",
    SOLD="All of it is sold.",
    ENDED="Its clock has run out.",
    CANCELLED="Its seller took the rest back.",
)


@entity(BidTable, visible=visibility.bids)
class AuctionBid(Node):
    """A bid that took energy at the clock's price. Visible to the bidder and to platform administrators."""

    energy_ukwh: Micro = column(BidTable.energy_ukwh, "Energy in each interval of the delivery, kWh.", name="energyKwh")
    price_ueur_per_kwh: Micro = column(BidTable.price_ueur_per_kwh, "The clock's price, EUR/kWh.", name="price")
    placed_at: DateTime = column(BidTable.placed_at, "When it was placed.")
    order = edge(BidTable.order_id, "Order", "The buy order that it made.")


@entity(AuctionTable, visible=market_visibility.public)
class DutchAuction(Node):
    """Energy offered under a descending clock. Visible to everybody; never tells whose."""

    market = edge(AuctionTable.market_id, "Market", "The market in whose zone it is delivered.")
    status: AuctionStatus = column(AuctionTable.status, "Where it stands.")
    energy_ukwh: Micro = column(
        AuctionTable.energy_ukwh, "Energy offered in each interval of the delivery, kWh.", name="energyKwh"
    )
    sold_ukwh: Micro = column(AuctionTable.sold_ukwh, "How much of it is sold, kWh.", name="soldKwh")
    start_price_ueur_per_kwh: Micro = column(
        AuctionTable.start_price_ueur_per_kwh, "Price at which the clock starts, EUR/kWh.", name="startPrice"
    )
    floor_price_ueur_per_kwh: Micro = column(
        AuctionTable.floor_price_ueur_per_kwh, "Price at which the clock stays, EUR/kWh.", name="floorPrice"
    )
    step_ueur_per_kwh: Micro = column(AuctionTable.step_ueur_per_kwh, "What the price falls by, EUR/kWh.", name="step")
    step_seconds: int = column(AuctionTable.step_seconds, "How long a price stands, seconds.")
    opens_at: DateTime = column(AuctionTable.opens_at, "When the clock starts.")
    ends_at: DateTime = column(AuctionTable.ends_at, "When the floor has stood for one step.")
    closed_at: DateTime | None = column(AuctionTable.closed_at, "When it was sold, ended or cancelled.")
    order = edge(AuctionTable.order_id, "Order", "The sell order it offers; for its seller only.", is_optional=True)
    bids = many("AuctionBid", "The viewer's bids, oldest first.", on=BidTable.auction_id)

    @strawberry.field(description="When the energy is delivered; it is sold in each interval of it.")
    async def delivery(self, info: Info) -> Period:
        offered = await _offered(info, self.__dict__["id"])
        return Period(start=DateTime(offered.delivery_start), end=DateTime(offered.delivery_end))

    @strawberry.field(description="Where the energy comes from, by the seller's plants; null as in `Order`.")
    async def source(self, info: Info) -> EnergySource | None:
        return (await _offered(info, self.__dict__["id"])).source

    @strawberry.field(description="What the clock shows now, EUR/kWh; null unless the auction is open.")
    async def price(self, info: Info) -> Micro | None:
        found = await _stored(info, self.__dict__["id"])
        now = clock.now()
        if found.closed_at is not None or not found.opens_at <= now < found.ends_at:
            return None
        return Micro(auctions.clock_of(found).price_ueur_per_kwh(now))


class Offered(NamedTuple):
    """What the order of an auction offers."""

    delivery_start: datetime
    delivery_end: datetime
    source: EnergySource | None


async def _offered(info: Info, id: UUID) -> Offered:
    async def load(ids: list[UUID]) -> list[Offered]:
        offered = (Order.delivery_start, Order.delivery_end, Order.source)
        query = select(AuctionTable.id, *offered).join(Order, Order.id == AuctionTable.order_id)
        async with info.context.database.reading() as connection:
            rows = await connection.execute(query.where(among(AuctionTable.id, ids)))
        found = {row.id: Offered(*row[1:]) for row in rows}
        return [found[id] for id in ids]

    found: Offered = await info.context.loaders.loader("offers of auctions", load).load(id)
    return found


async def _stored(info: Info, id: UUID) -> AuctionTable:
    async def load(ids: list[UUID]) -> list[AuctionTable]:
        query = select(AuctionTable).where(among(AuctionTable.id, ids))
        async with info.context.database.transaction() as session:
            found = {each.id: each for each in await session.scalars(query)}
        return [found[id] for id in ids]

    found: AuctionTable = await info.context.loaders.loader("auctions", load).load(id)
    return found


@strawberry.type(description="Where an auction's clock stands, with its place in the auction's stream.")
class AuctionTick:
    cursor: str = strawberry.field(description="Place of the event, to resume `after` it.")
    at: DateTime = strawberry.field(description="Since when it is so.")
    status: AuctionStatus = strawberry.field(description="Where the auction stands.")
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="The clock's price, EUR/kWh.")
    left_ukwh: Micro = strawberry.field(name="leftKwh", description="What is left in each interval, kWh.")
    next_tick_at: DateTime | None = strawberry.field(description="When the clock steps next; null when it has ended.")


@strawberry.type(description="The auction takes no bids: it has not opened, is sold out, has ended or was cancelled.")
class AuctionClosed(UserError):
    status: AuctionStatus = strawberry.field(description="Where it stands.")


@strawberry.type(description="The clock stands above what the bidder would pay.")
class PriceAboveLimit(UserError):
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="What the clock shows, EUR/kWh.")


@strawberry.type(description="Less is left than the bid asks for.")
class TooLittleLeft(UserError):
    left_ukwh: Micro = strawberry.field(name="leftKwh", description="What is left in each interval, kWh.")


@refusal(auctions.AuctionClosed)
def _closed(error: auctions.AuctionClosed) -> UserError:
    return AuctionClosed(code=AUCTION_CLOSED, message=error.message, path=["id"], status=error.status)


@refusal(bids.PriceAboveLimit)
def _above_limit(error: bids.PriceAboveLimit) -> UserError:
    price = Micro(error.price_ueur_per_kwh)
    return PriceAboveLimit(code=PRICE_ABOVE_LIMIT, message=error.message, path=["limitPrice"], price_ueur_per_kwh=price)


@refusal(bids.TooLittleLeft)
def _too_little(error: bids.TooLittleLeft) -> UserError:
    left = Micro(error.left_ukwh)
    return TooLittleLeft(code=TOO_LITTLE_LEFT, message=error.message, path=["energyKwh"], left_ukwh=left)


@strawberry.input(description="Energy to offer under a descending clock.")
class OpenAuctionInput:
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, 1 to 180 characters: the same key and input again give the same auction."
    )
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    energy_ukwh: Micro = strawberry.field(
        name="energyKwh", description="Energy in each interval of the delivery, kWh, whole watt-hours."
    )
    delivery: PeriodInput = strawberry.field(
        description="Whole delivery intervals of the market, after the clock has run out and within its horizon."
    )
    start_price_ueur_per_kwh: Micro = strawberry.field(name="startPrice", description="Where it starts, EUR/kWh.")
    floor_price_ueur_per_kwh: Micro = strawberry.field(name="floorPrice", description="Where it stays, EUR/kWh.")
    step_ueur_per_kwh: Micro = strawberry.field(name="step", description="What the price falls by, EUR/kWh.")
    step_seconds: int = strawberry.field(description="How long a price stands, 1 to 3600 seconds.")
    opens_at: DateTime | None = strawberry.field(default=None, description="When the clock starts; by default now.")
    source: EnergySource | None = strawberry.field(default=None, description="Where the energy comes from.")


@strawberry.input(description="An auction to take back.")
class CancelAuctionInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's auctions.")


@strawberry.input(description="A bid at the clock's price.")
class BidInAuctionInput:
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, 1 to 180 characters: the same key and input again give the same bid."
    )
    auction_id: strawberry.ID = strawberry.field(description="Id of an open auction.")
    energy_ukwh: Micro = strawberry.field(
        name="energyKwh", description="Energy in each interval of the delivery, kWh, whole watt-hours."
    )
    limit_price_ueur_per_kwh: Micro = strawberry.field(
        name="limitPrice", description="The most to pay, EUR/kWh; paid is what the clock shows."
    )


@strawberry.type(description="An auction that was opened.")
class OpenAuctionPayload(Payload):
    auction = edge(None, "DutchAuction", "The auction.")


@strawberry.type(description="An auction that was taken back; what was sold stays.")
class CancelAuctionPayload(Payload):
    auction = edge(None, "DutchAuction", "The auction.")


@strawberry.type(description="A bid that took energy.")
class BidInAuctionPayload(Payload):
    bid = edge(None, "AuctionBid", "The bid.")


@extends("Market")
class AuctionsOfMarket:
    auctions = many("DutchAuction", "Dutch auctions, oldest first.", on=AuctionTable.market_id)


@strawberry.type
class AuctionMutations:
    @mutation("Offer energy in a Dutch auction; applications need the scope trade.", scope=TRADE)
    async def open_auction(self, info: Info, input: OpenAuctionInput) -> OpenAuctionPayload:
        descent = Descent(
            input.start_price_ueur_per_kwh,
            input.floor_price_ueur_per_kwh,
            input.step_ueur_per_kwh,
            input.step_seconds,
        )
        async with info.context.transaction() as session:
            auction_id = await auctions.open_auction(
                session,
                info.context.caller,
                input.idempotency_key,
                key_of(input.market_id, "Market", "marketId"),
                input.energy_ukwh,
                input.delivery.span(),
                descent,
                opens_at=input.opens_at,
                source=input.source,
                now=clock.now(),
            )
        return leading(OpenAuctionPayload(), auction=auction_id)

    @mutation("Take back what is not sold of an auction of the caller; applications need the scope trade.", scope=TRADE)
    async def cancel_auction(self, info: Info, input: CancelAuctionInput) -> CancelAuctionPayload:
        auction_id = key_of(input.id, "DutchAuction", "id")
        async with info.context.transaction() as session:
            await auctions.cancel(session, info.context.caller, auction_id, now=clock.now())
        return leading(CancelAuctionPayload(), auction=auction_id)

    @mutation("Take energy of a Dutch auction at its clock's price; applications need the scope trade.", scope=TRADE)
    async def bid_in_auction(self, info: Info, input: BidInAuctionInput) -> BidInAuctionPayload:
        new = NewBid(
            key_of(input.auction_id, "DutchAuction", "auctionId"), input.energy_ukwh, input.limit_price_ueur_per_kwh
        )
        async with info.context.transaction() as session:
            bid_id = await bids.bid(session, info.context.caller, input.idempotency_key, new, now=clock.now())
        return leading(BidInAuctionPayload(), bid=bid_id)


AUCTION_ID = Annotated[strawberry.ID, strawberry.argument(description="Id of the auction.")]


def _tick(event: Event) -> AuctionTick:
    told = event.payload
    next_tick = told["next_tick_at"]
    return AuctionTick(
        cursor=cursor_of(event),
        at=DateTime(datetime.fromisoformat(told["at"])),
        status=AuctionStatus(told["status"]),
        price_ueur_per_kwh=Micro(told["price_ueur_per_kwh"]),
        left_ukwh=Micro(told["left_ukwh"]),
        next_tick_at=None if next_tick is None else DateTime(datetime.fromisoformat(next_tick)),
    )


async def _check(info: Info, key: UUID) -> None:
    if await info.context.loaders.node("DutchAuction", key) is None:
        raise BadUserInput("There is no such auction.", argument="auctionId")


@strawberry.type
class AuctionSubscriptions:
    @strawberry.subscription(
        description="Every step of an auction's clock and every bid, in order; for who is signed in. Without `after` "
        "the last one comes first.",
        metadata={SIGHT: anybody_signed_in},
    )
    async def auction_ticks(
        self, info: Info, auction_id: AUCTION_ID, after: AFTER = None
    ) -> AsyncIterator[AuctionTick]:
        _ = info.context.caller
        key = key_of(auction_id, "DutchAuction", "auctionId")
        stream = auctions.stream_of(key)

        async def standing() -> tuple[list[Event], int]:
            async with info.context.database.transaction() as session:
                return await auctions.standing(session, key)

        number = None if after is None else number_in(after, stream)
        async for event in info.context.follow(stream, number, standing, partial(_check, info, key)):
            yield _tick(event)
