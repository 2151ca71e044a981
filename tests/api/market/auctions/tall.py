"""Fifty auctions of a seller, five bids in each."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "dutch_auction.order_id": "pg_temp.key(n)",
        "auction_bid.order_id": "pg_temp.key(n)",
        "dutch_auction.ends_at": "timestamptz '2027-01-01Z' + n * interval '1 minute'",
    },
    below={"dutch_auction.seller_id": 50, "auction_bid.bidder_id": 50, "auction_bid.auction_id": 5},
)
