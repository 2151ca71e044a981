"""Auctions are public, bids their bidder's."""

from tests.api.authorization.decisions import Followed, Given, WhoSees
from tests.api.authorization.people import ADA, BOB, PUBLIC, TRADES_FOR_ADA

WHO_SEES = WhoSees(
    expected={"DutchAuction": PUBLIC, "AuctionBid": {"bob's": BOB, "ada's": ADA | TRADES_FOR_ADA}},
    reviewed=frozenset({"DutchAuction.price", "DutchAuction.delivery", "DutchAuction.source"}),
    subscriptions={
        "auctionTicks": Followed(
            "DutchAuction",
            lambda id, start_of: f'subscription {{ auctionTicks(auctionId: "{id}", after: "") {{ price }} }}',
        )
    },
    mutations={"openAuction": Given(), "bidInAuction": Given(), "cancelAuction": Given()},
)
