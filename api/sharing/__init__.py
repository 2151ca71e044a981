"""Sharing keys and allocations over GraphQL, and the job that allocates."""
