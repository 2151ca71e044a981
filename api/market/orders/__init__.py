"""Orders over GraphQL: see, place, amend and cancel them."""
