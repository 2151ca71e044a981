"""Ratings over GraphQL: reputation and reliability."""

import strawberry

from api.graphql.context import Info
from api.graphql.scalars import Date, Micro
from api.graphql.words import describe
from api.resources import clock
from domain.engagement import ratings
from domain.engagement.ratings import Rating, ReputationLevel

describe(
    ReputationLevel,
    "How reliable somebody trades, best first: by the number of trades and what was kept of them.",
    EXCELLENT="100 trades or more, 98 % or more kept.",
    RELIABLE="20 trades or more, 90 % or more kept.",
    FAIR="20 trades or more, 75 % or more kept.",
    UNRELIABLE="20 trades or more, less kept.",
    NEW="Fewer than 20 trades.",
)


@strawberry.type(
    description="How reliable somebody traded for the deliveries of 90 days, as far as they are settled: what was kept "
    "of it. What failed by the other party counts as kept. Shares are rounded down to the millionth."
)
class MemberRating:
    rated_on: Date = strawberry.field(description="The day, UTC, before which the 90 days lie.")
    level: ReputationLevel = strawberry.field(description="The level that was reached.")
    trades_count: int = strawberry.field(description="Trades that count.")
    reliability_ppm: Micro = strawberry.field(
        name="reliability", description="What was kept of the energy sold and bought, 0 to 1."
    )
    seller_reliability_ppm: Micro | None = strawberry.field(
        name="sellerReliability",
        description="What was delivered of the energy sold, 0 to 1; null where nothing was.",
    )
    buyer_reliability_ppm: Micro | None = strawberry.field(
        name="buyerReliability", description="What was taken of the energy bought, 0 to 1; null where nothing was."
    )


@strawberry.type(description="What a rating of one's own is made of.")
class OwnRating(MemberRating):
    sales_count: int = strawberry.field(description="Trades that sold.")
    sold_ukwh: Micro = strawberry.field(name="soldKwh", description="Energy sold, kWh.")
    sold_kept_ukwh: Micro = strawberry.field(
        name="soldKeptKwh", description="Energy sold less what was missing on the viewer's own side, kWh."
    )
    purchases_count: int = strawberry.field(description="Trades that bought.")
    bought_ukwh: Micro = strawberry.field(name="boughtKwh", description="Energy bought, kWh.")
    bought_kept_ukwh: Micro = strawberry.field(
        name="boughtKeptKwh", description="Energy bought less what was not taken on the viewer's own side, kWh."
    )


@strawberry.type
class RatingViewer:
    @strawberry.field(description="The viewer's own rating; null for who traded nothing in 90 days.")
    async def rating(self, info: Info) -> OwnRating | None:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            return None
        async with info.context.database.reading() as connection:
            found = await ratings.of_user(connection, viewer.user_id, now=clock.now())
        return None if found is None else _own(found)


def shown(rating: Rating) -> MemberRating:
    """What everybody may know of a rating."""
    together = rating.together
    return MemberRating(
        rated_on=Date(rating.day),
        level=rating.level,
        trades_count=together.trades_count,
        reliability_ppm=Micro(together.reliability_ppm or 0),
        seller_reliability_ppm=_share(rating.seller.reliability_ppm),
        buyer_reliability_ppm=_share(rating.buyer.reliability_ppm),
    )


def _own(rating: Rating) -> OwnRating:
    return OwnRating(
        **vars(shown(rating)),
        sales_count=rating.seller.trades_count,
        sold_ukwh=Micro(rating.seller.traded_ukwh),
        sold_kept_ukwh=Micro(rating.seller.kept_ukwh),
        purchases_count=rating.buyer.trades_count,
        bought_ukwh=Micro(rating.buyer.traded_ukwh),
        bought_kept_ukwh=Micro(rating.buyer.kept_ukwh),
    )


def _share(ppm: int | None) -> Micro | None:
    return None if ppm is None else Micro(ppm)
