"""Delivery of trades by what was metered, their settlement, and certificates of what was delivered."""
