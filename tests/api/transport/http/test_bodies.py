"""Bodies that are too large or too slow, over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.transport.http.bodies import BodyLimit
from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_app
from tests.api.transport.conftest import ClientOf

JSON = {"Content-Type": "application/json"}


def code(response: Any) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def test_refuses_six_megabytes_by_their_length(client: TestClient) -> None:
    response = client.post("/graphql", content=b" " * 6_000_000, headers=JSON)

    assert response.status_code == 413
    assert code(response) == "PAYLOAD_TOO_LARGE"
    assert response.json()["errors"][0]["extensions"]["limit"] == 256 * 1024
    assert response.headers["connection"] == "close"
    assert response.headers["x-request-id"]


def test_refuses_a_long_body_of_unknown_length(client: TestClient) -> None:
    response = client.post("/graphql", content=(b" " * 65_536 for _ in range(5)), headers=JSON)

    assert response.status_code == 413
    assert code(response) == "PAYLOAD_TOO_LARGE"


def test_takes_a_body_at_the_limit(client: TestClient) -> None:
    body = b'{"query": "{ hello }"}'

    response = client.post("/graphql", content=body + b" " * (256 * 1024 - len(body)), headers=JSON)

    assert response.status_code == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "٣"])
def test_refuses_a_length_that_is_no_number(client: TestClient, length: str) -> None:
    response = client.post("/graphql", content=b"{}", headers=[(b"Content-Length", length.encode())])

    assert response.status_code == 400


def test_other_routes_have_their_own_limit(client_of: ClientOf) -> None:
    client = client_of(body_limits={"/graphql": BodyLimit(10, 1.0), "/gra": BodyLimit(10**9, 1.0)})

    assert client.post("/graphql", json={"query": "{ hello }"}).status_code == 413


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The small app on a real server, whose bodies must come within a fifth of a second."""
    built = small_app.build(TransportSettings(body_seconds_max=0.2))
    app = Starlette(routes=built.routes, middleware=built.middleware)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def test_gives_up_on_a_slow_body_and_serves_others_meanwhile(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"
    writer.write(head.encode() + b'{"que')
    await writer.drain()

    other = await answer_of(port, b'{"query": "{ hello }"}')
    async with asyncio.timeout(2):
        slow = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert json.loads(other)["data"] == {"hello": "hello world"}
    assert slow.startswith(b"HTTP/1.1 408")
    assert b"REQUEST_TIMEOUT" in slow


async def test_a_client_that_sends_six_megabytes_gets_its_answer(port: int) -> None:
    answer = await answer_of(port, b" " * 6_000_000)

    assert json.loads(answer)["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


async def answer_of(port: int, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["POST /graphql HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    writer.write(head.encode() + body)
    await writer.drain()
    async with asyncio.timeout(2):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2]
