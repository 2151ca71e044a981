"""Model prices, forecasts, tariffs and price alerts over GraphQL, and their jobs."""
