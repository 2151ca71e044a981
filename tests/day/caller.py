"""Someone who calls the API over HTTP with a token."""

from typing import Any

import httpx2


class Refused(Exception):
    """A mutation answered with refusals."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(f"{error['code']}: {error['message']}" for error in errors))
        self.codes = [error["code"] for error in errors]


class Caller:
    """A person or an application."""

    def __init__(self, client: httpx2.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query."""
        body = {"query": document, "variables": variables}
        answer = await self._client.post("/graphql", json=body, headers=self._headers)
        told = answer.json()
        if told.get("errors"):
            raise RuntimeError(f"{answer.status_code}: {told['errors']}")
        data: dict[str, Any] = told["data"]
        return data

    async def act(self, mutation: str, selection: str, /, **given: Any) -> dict[str, Any]:
        """Carry out a mutation and give what is selected of its payload. Raises Refused."""
        kind, chosen = f"{mutation[0].upper()}{mutation[1:]}Input!", f"{selection} errors {{ code message path }}"
        document = f"mutation Act($input: {kind}) {{ {mutation}(input: $input) {{ {chosen} }} }}"
        payload: dict[str, Any] = (await self.ask(document, input=given))[mutation]
        if payload["errors"]:
            raise Refused(payload["errors"])
        return payload

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post to a REST route."""
        answer = await self._client.post(path, json=body, headers=self._headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} {answer.status_code}: {answer.text[:500]}")
        told: dict[str, Any] = answer.json()
        return told

    async def get(self, path: str, **parameters: str) -> bytes:
        """Get from a REST route."""
        answer = await self._client.get(path, params=parameters, headers=self._headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} {answer.status_code}: {answer.text[:500]}")
        return answer.content
