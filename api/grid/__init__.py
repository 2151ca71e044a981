"""Grid operation over GraphQL."""
