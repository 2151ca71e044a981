"""People, sessions and keys over GraphQL."""
