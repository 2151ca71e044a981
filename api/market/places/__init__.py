"""Markets, links and charges over GraphQL."""
