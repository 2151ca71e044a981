"""Clearings, trades, books and price ticks over GraphQL, and the job that clears."""
