"""An API that is told to end loses nobody, says where it can that one should come back, and ends."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.processes.serving import OPTIONS, Server, guarded
from api.transport.terms.stopping import Stopping
from tests.api.transport import small_app

STOP_S = 5.0
COUNT = "subscription { count(to: 100000, delayMs: 20) }"


class Ending:
    """A server of the small schema, and how one speaks to it."""

    def __init__(self, server: Server, port: int, http: httpx2.AsyncClient) -> None:
        self.server, self.port, self.http = server, port, http

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, query: str, **headers: str) -> httpx2.Response:
        return await self.http.post(f"{self.url}/graphql", json={"query": query}, headers=headers)

    @contextlib.asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        protocol = Subprotocol("graphql-transport-ws")
        async with connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[protocol]) as opened:
            await opened.send(json.dumps({"type": "connection_init"}))
            await opened.recv()
            yield opened


@contextlib.asynccontextmanager
async def serving(drain_s: float = 0.0, stop_s: float = STOP_S) -> AsyncIterator[Ending]:
    stopping = Stopping()
    built = small_app.build(stopping=stopping)
    app = Starlette(routes=built.routes, middleware=built.middleware)
    config = uvicorn.Config(guarded(app), **OPTIONS)
    server = Server(config, stopping, drain_s=drain_s, stop_s=stop_s)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            yield Ending(server, listener.getsockname()[1], http)
            server.should_exit = True
            await running


def subscribe(id: str, query: str) -> str:
    return json.dumps({"id": id, "type": "subscribe", "payload": {"query": query}})


async def rest_of(opened: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """The frames that still come, and the code it is closed with."""
    frames: list[dict[str, Any]] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            frames.append(json.loads(await opened.recv()))
    return frames, opened.close_code


async def test_what_runs_is_answered_and_its_connection_ends_with_the_answer() -> None:
    async with serving() as ending:
        running = asyncio.create_task(ending.ask("{ slow(seconds: 0.6) }"))
        await asyncio.sleep(0.2)
        ending.server.should_exit = True
        answer = await running

    assert answer.json()["data"]
    assert answer.headers["connection"] == "close"


async def test_a_socket_has_its_answers_and_is_sent_elsewhere() -> None:
    async with serving() as ending, ending.socket() as opened:
        await opened.send(subscribe("1", "{ slow(seconds: 0.6) }"))
        await opened.send(subscribe("2", COUNT))
        await asyncio.sleep(0.2)
        ending.server.should_exit = True
        frames, code = await rest_of(opened)

    assert code == 1012
    assert [frame["type"] for frame in frames if frame["id"] == "1"] == ["next", "complete"]
    assert {frame["type"] for frame in frames if frame["id"] == "2"} == {"next"}


async def test_an_event_stream_ends_in_order_and_without_complete() -> None:
    async with serving() as ending:
        followed = asyncio.create_task(ending.ask(COUNT, accept="text/event-stream"))
        counted = asyncio.create_task(ending.ask("{ slow(seconds: 0.6) }", accept="text/event-stream"))
        await asyncio.sleep(0.2)
        ending.server.should_exit = True
        events = [(await each).text for each in (followed, counted)]

    assert "event: next" in events[0]
    assert "complete" not in events[0]
    assert events[1].endswith("event: complete\ndata:\n\n")


async def test_it_is_not_ready_for_a_while_before_it_listens_no_more() -> None:
    async with serving(drain_s=0.5) as ending:
        ready = await ending.http.get(f"{ending.url}/readyz")
        ending.server.should_exit = True
        await asyncio.sleep(0.25)
        draining = await ending.http.get(f"{ending.url}/readyz")
        answered = await ending.ask("{ hello }")

    assert (ready.status_code, draining.status_code) == (200, 503)
    assert draining.json() == {"status": "stopping"}
    assert answered.json()["data"] == {"hello": "hello world"}
    assert answered.headers["connection"] == "close"


async def test_who_connects_as_it_ends_is_answered() -> None:
    """Also who has connected without being let in, and whose request is there in part."""
    async with serving() as ending:
        halves = [await asyncio.open_connection("127.0.0.1", ending.port) for _ in range(2)]
        halves[0][1].write(b"GET /healthz HTTP/1.1\r\nHo")
        await asyncio.sleep(0.05)
        ending.server.should_exit = True
        late = [socket.create_connection(("127.0.0.1", ending.port)) for _ in range(20)]
        await asyncio.sleep(0.25)
        halves[0][1].write(b"st: x\r\n\r\n")
        halves[1][1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        for each in late:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = [await reader.read() for reader, _ in halves]
        answers += [await asyncio.to_thread(each.recv, 1000) for each in late]
        for _, writer in halves:
            writer.close()
        for connection in late:
            connection.close()

    assert all(answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer for answer in answers)


async def test_what_goes_on_for_too_long_is_cut_off() -> None:
    async with serving(stop_s=0.5) as ending:
        running = asyncio.create_task(ending.ask("{ slow(seconds: 8) }"))
        await asyncio.sleep(0.2)
        began = time.monotonic()
    took_s = time.monotonic() - began
    await asyncio.wait([running])

    assert 0.4 < took_s < 2
    assert running.exception() is not None or running.result().status_code >= 500
