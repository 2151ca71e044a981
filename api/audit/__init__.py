"""The audit log over GraphQL: search it, verify a chain, and run all checks of the invariants."""
