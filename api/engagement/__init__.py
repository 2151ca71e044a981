"""What members learn of themselves and each other, over GraphQL."""
