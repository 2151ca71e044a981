"""Sums over people, and what of them is withheld, over GraphQL."""
