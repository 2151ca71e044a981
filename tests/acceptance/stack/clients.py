"""A client of the API that knows its address and a token, and nothing of its insides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who asks; anonymous without a token."""

    http: httpx2.Client
    url: str
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of a document that must succeed."""
        answer = self.post("/graphql", json={"query": document, "variables": variables}).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def change(self, field: str, selection: str, **input: Any) -> Any:
        """The payload of a mutation that must be done."""
        payload = self.try_to(field, selection, **input)
        assert payload["errors"] == [], (field, input, payload["errors"])
        return payload

    def try_to(self, field: str, selection: str, **input: Any) -> Any:
        """The payload of a mutation, done or refused."""
        kind = f"{field[0].upper()}{field[1:]}Input"
        document = (
            f"mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} errors {{ code message path }} }} }}"
        )
        return self.ask(document, input=input)[field]

    def post(self, path: str, **content: Any) -> httpx2.Response:
        """The answer to a POST, whatever it is."""
        headers = self.headers | content.pop("headers", {})
        return self.http.post(f"{self.url}{path}", headers=headers, **content)

    def pages(self, document: str, *path: str, **variables: Any) -> Iterator[Any]:
        """All nodes of a connection that a document with `$after` reaches along a path."""
        after = None
        while True:
            found = self.ask(document, after=after, **variables)
            for name in path:
                found = found[name]
            yield from (edge["node"] for edge in found["edges"])
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]


def signed_in(http: httpx2.Client, url: str, email: str, password: str) -> Client:
    """A client with a session of its own."""
    payload = Client(http, url).change("logIn", "accessToken", email=email, password=password)
    return Client(http, url, payload["accessToken"])
