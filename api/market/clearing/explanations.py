"""Why orders got what they got, over GraphQL."""

from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Info
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.market.clearing.clearings import Clearing
from domain.market.clearing import explanations
from domain.market.clearing.explanations import FillReason

describe(
    FillReason,
    "What decided an order's fill in a delivery interval.",
    FILLED="Its limit met the zone's price, and its turn came in time.",
    PARTLY_FILLED="It was the last order reached: those ahead by price and time left it only a part.",
    BEHIND_IN_TIME="Its limit was that of the last order reached, but it arrived later.",
    OUTPRICED="Orders with better limits took all that was traded.",
    OWN_ORDER="Only an order of the same owner could have served it, and nobody trades with itself.",
    ARRIVED_LATE="It arrived while the batch was being cleared; the next one takes it.",
    MINIMUM_FILL="There was no room for its minimum fill.",
    SOURCE_NOT_OFFERED="No energy that it accepts was left within its limit.",
    OTHERS_MINIMUM="Its limit was met only by orders for whose minimum fill there was no room.",
    MADE_ROOM="It made room for the minimum fill of a later order of its price in a linked zone.",
    FILLED_ELSEWHERE="It is flexible, and all of its energy was traded in other intervals.",
    NOTHING_TRADED="No price met its limit within the transfer limits since it was placed.",
)


@strawberry.type(description="Why an order got what it got in one delivery interval.")
class FillExplanation:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    reason: FillReason = strawberry.field(description="What decided the fill.")
    message: str = strawberry.field(description="The reason as a sentence, by price, time and limits.")
    filled_ukwh: Micro = strawberry.field(name="filledKwh", description="Energy filled in the interval, kWh.")
    price_ueur_per_kwh: Micro | None = strawberry.field(
        name="price",
        description="Price of the clearing for what it accepts or offers, EUR/kWh; null where nothing was cleared.",
    )
    is_transfer_limited: bool = strawberry.field(
        description="Whether a linked zone had a better price beyond the cost of the way, so that the link was full."
    )
    clearing_id: strawberry.Private[UUID | None]

    @strawberry.field(description="The clearing that filled the interval, else the last one while the order was open.")
    async def clearing(self, info: Info) -> Clearing | None:
        if self.clearing_id is None:
            return None
        found: Clearing | None = await info.context.loaders.node("Clearing", self.clearing_id)
        return found


@extends("Order")
class ExplanationOfOrder:
    @strawberry.field(description="Why it got what it got, for each interval of its delivery, earliest first.")
    async def explanation(self, info: Info) -> list[FillExplanation]:
        async def load(order_ids: list[UUID]) -> list[list[FillExplanation]]:
            async with info.context.database.reading() as connection:
                found = await explanations.standings(connection, order_ids)
            return [[_shown(standing) for standing in found[order_id]] for order_id in order_ids]

        loader = info.context.loaders.loader("explanations", load)
        explained: list[FillExplanation] = await loader.load(self.__dict__["id"])
        return explained


def _shown(standing: explanations.Standing) -> FillExplanation:
    price = None if standing.is_untraded else standing.price_ueur_per_kwh
    return FillExplanation(
        delivery_start=DateTime(standing.delivery_start),
        reason=standing.reason,
        message=standing.sentence,
        filled_ukwh=Micro(standing.filled_ukwh),
        price_ueur_per_kwh=None if price is None else Micro(price),
        is_transfer_limited=standing.is_way_full,
        clearing_id=standing.clearing_id,
    )
