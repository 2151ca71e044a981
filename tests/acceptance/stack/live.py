"""Subscriptions as front ends follow them: graphql-transport-ws and server-sent events."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import websockets

from tests.acceptance.stack.clients import Client

PATIENCE_S = 30.0
PROTOCOL = websockets.Subprotocol("graphql-transport-ws")


@contextlib.asynccontextmanager
async def over_socket(client: Client, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """The data of each event, over graphql-transport-ws."""
    address = client.url.replace("http", "ws", 1) + "/graphql"
    async with websockets.connect(address, subprotocols=[PROTOCOL], proxy=None) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": client.headers}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        payload = {"query": document, "variables": variables}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield _socket_events(socket)


async def _socket_events(socket: websockets.ClientConnection) -> AsyncIterator[Any]:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "ping":
            await socket.send('{"type":"pong"}')
        elif message["type"] == "next":
            yield _data(message["payload"])
        else:
            assert message["type"] == "complete", message
            return


@contextlib.asynccontextmanager
async def over_event_stream(client: Client, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """The data of each event, over server-sent events (graphql-sse, distinct connections)."""
    headers = client.headers | {"accept": "text/event-stream"}
    content = {"query": document, "variables": variables}
    async with (
        httpx2.AsyncClient(timeout=60, trust_env=False) as http,
        http.stream("POST", f"{client.url}/graphql", headers=headers, json=content) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield _stream_events(answer)


async def _stream_events(answer: httpx2.Response) -> AsyncIterator[Any]:
    event = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
            if event == "complete":
                return
        elif name == "data" and event == "next":
            yield _data(json.loads(value))


def _data(payload: Any) -> Any:
    assert "errors" not in payload, payload["errors"]
    return payload["data"]


async def until(events: AsyncIterator[Any], is_last: Callable[[list[Any]], bool]) -> list[Any]:
    """Events up to the one that completes them."""
    seen: list[Any] = []
    async with asyncio.timeout(PATIENCE_S):
        while not is_last(seen):
            seen.append(await anext(events))
    return seen
