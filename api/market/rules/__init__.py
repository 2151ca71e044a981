"""Trading rules over GraphQL, and the jobs that run them."""
