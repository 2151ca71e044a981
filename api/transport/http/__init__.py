"""The endpoint over HTTP, the express lane around it, GraphiQL and health."""
