"""graphql-sse, distinct connections: framing, ends, caps and keep-alive."""

import asyncio
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_app
from tests.api.transport.conftest import ADMIN, ClientOf

LONG = "subscription { count(to: 100000, delayMs: 5) }"


def stream(client: TestClient, query: str, **headers: str) -> Any:
    return client.post("/graphql", json={"query": query}, headers={"Accept": "text/event-stream", **headers})


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n")[:-1]:
        if not block.startswith(":"):
            event, data = block.split("\n")
            value = data.removeprefix("data:").strip()
            found.append((event.removeprefix("event: "), json.loads(value) if value else None))
    return found


def test_streams_a_subscription_in_lines_that_end_with_lf(client: TestClient) -> None:
    response = stream(client, "subscription { count(to: 2) }")

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "no-store" in response.headers["cache-control"]
    assert response.headers["x-request-id"]
    assert "\r" not in response.text
    assert events(response.text) == [
        ("next", {"data": {"count": 1}, "extensions": {"cost": 1}}),
        ("next", {"data": {"count": 2}}),
        ("complete", None),
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ ", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { refused }", "FORBIDDEN"),
        ("", "BAD_USER_INPUT"),
    ],
)
def test_a_refusal_is_an_event(client: TestClient, query: str, code: str) -> None:
    response = stream(client, query)

    (name, body), last = events(response.text)
    assert response.status_code == 200
    assert name == "next"
    assert "data" not in body or body["data"] is None
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    assert last == ("complete", None)


def test_answers_queries_and_mutations(client: TestClient) -> None:
    assert events(stream(client, "{ hello }").text)[0][1]["data"] == {"hello": "hello world"}
    assert events(stream(client, 'mutation { rename(name: "x") }').text)[0][1]["data"] == {"rename": "x"}


def test_masks_errors_of_a_running_stream(client: TestClient) -> None:
    text = stream(client, "subscription { breaks }").text

    assert "hunter2" not in text
    assert events(text)[1][1]["errors"][0]["extensions"]["code"] == "INTERNAL"


def test_each_event_has_fresh_state(client: TestClient) -> None:
    found = events(stream(client, "subscription { loads(to: 3) }").text)

    assert [body["data"]["loads"] for name, body in found if name == "next"] == [1, 1, 1]


def test_refuses_a_token_nobody_has_before_streaming(client: TestClient) -> None:
    response = stream(client, LONG, Authorization="Bearer nobody-has-this")

    assert response.status_code == 401
    assert response.headers["content-type"].startswith("application/json")


def test_ends_when_the_token_expires(client: TestClient) -> None:
    found = events(stream(client, LONG, Authorization="Bearer brief-token").text)

    assert found[-2][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert found[-1] == ("complete", None)


def test_refuses_streams_above_the_cap_with_429(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(streams_per_viewer=0))

    response = stream(client, LONG, **ADMIN)

    assert response.status_code == 429
    assert response.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 30, "limit": 0}
    assert response.headers["retry-after"] == "30"


async def frames_of(built: Any, query: str, seconds: float, takes_seconds: float = 0) -> list[bytes]:
    """What is sent until the client leaves after some seconds; it takes its time for every frame."""
    messages = [{"type": "http.request", "body": json.dumps({"query": query}).encode(), "more_body": False}]
    sent: list[bytes] = []
    scope = {
        "type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            await asyncio.sleep(takes_seconds)

    async with asyncio.timeout(5):
        await built.routes[0].app(scope, receive, send)
    return sent


async def test_keeps_a_quiet_stream_alive() -> None:
    built = small_app.build(TransportSettings(keep_alive_seconds=0.02))

    frames = await frames_of(built, "subscription { count(to: 1, delayMs: 60000) }", seconds=0.2)

    assert frames.count(b":\n\n") >= 3
    assert set(frames) == {b":\n\n"}


async def test_streams_abandoned_by_their_readers_leave_nothing() -> None:
    built = small_app.build()

    many = await asyncio.gather(*(frames_of(built, LONG, seconds=0.1) for _ in range(20)))

    assert all(len(frames) > 3 for frames in many)
    assert not built.live.streams


async def test_a_reader_that_is_too_slow_is_disconnected() -> None:
    built = small_app.build(TransportSettings(send_seconds_max=0.02))

    async with asyncio.timeout(2):
        frames = await frames_of(built, LONG, seconds=60, takes_seconds=30)

    assert len(frames) == 1
    assert not built.live.streams
