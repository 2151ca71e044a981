"""Communities, members, participations and assets over GraphQL."""
