"""Requests as clients post them."""

from typing import Any

from starlette.testclient import TestClient

NEW = "application/graphql-response+json"
OLD = "application/json"


def post(client: TestClient, query: str | None = None, *, accept: str = NEW, **more: Any) -> Any:
    headers = {"Accept": accept, **more.pop("headers", {})}
    body = {name: value for name, value in {"query": query, **more}.items() if value is not None}
    return client.post("/graphql", json=body, headers=headers)


def code(response: Any) -> str:
    errors = response.json()["errors"]
    assert len(errors) == 1
    return str(errors[0]["extensions"]["code"])
