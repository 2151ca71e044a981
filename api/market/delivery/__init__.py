"""Deliveries and certificates over GraphQL, and the job that settles."""
