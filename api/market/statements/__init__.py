"""Monthly statements over GraphQL and as documents, and the job that makes them."""
