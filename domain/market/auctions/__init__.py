"""Dutch auctions: a clock that descends, and bids that trade at once."""
