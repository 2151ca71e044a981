"""Messages to people over GraphQL, and their delivery."""
