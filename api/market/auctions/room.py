"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.auctions.auctions import (
    AUCTION_CLOSED,
    PRICE_ABOVE_LIMIT,
    TOO_LITTLE_LEFT,
    AuctionMutations,
    AuctionSubscriptions,
)
from domain.market.auctions import words

ROOM = Room(
    mutations=(AuctionMutations,),
    subscriptions=(AuctionSubscriptions,),
    refusals=(AUCTION_CLOSED, PRICE_ABOVE_LIMIT, TOO_LITTLE_LEFT),
    notices=(words.AUCTION,),
)
