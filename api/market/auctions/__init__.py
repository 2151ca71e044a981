"""Dutch auctions over GraphQL."""
