"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, NARROWER, Reads

READS = Reads(
    not_compiled={
        "AuctionBid.order": NARROWER,
        "DutchAuction.price": IN_PYTHON,
        "DutchAuction.delivery": IN_PYTHON,
        "DutchAuction.source": IN_PYTHON,
    }
)
