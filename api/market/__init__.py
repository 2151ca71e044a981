"""Markets over GraphQL: markets and links, orders, books, clearings, trades, prices, and the job that clears."""
