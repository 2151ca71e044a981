"""A market as it is now and one's own trading over time, over GraphQL and as files."""
