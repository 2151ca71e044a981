"""What is compressed, what is not, and that it says the same."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.testclient import TestClient

from api.transport.http.compression import BYTES_BESIDE, BYTES_MIN, Compression
from tests.api.transport import small_app

JSON = "application/json"
LARGE = b'{"kWh": 0.25}' * (BYTES_MIN // 10)
Answer = Callable[[Any, Any, Any], Any]


def asked(
    answer: Answer, accepted: str | None = "gzip, deflate, br", method: str = "GET"
) -> tuple[dict[str, str], bytes]:
    """Headers and body as they are sent, not as a client shows them."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(60)

    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    scope = {"type": "http", "method": method, "headers": headers}
    asyncio.run(Compression(answer)(scope, receive, send))
    start, *parts = sent
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    return {name.decode(): value.decode() for name, value in start["headers"]}, b"".join(part["body"] for part in parts)


def test_a_large_answer_is_compressed() -> None:
    headers, body = asked(Response(LARGE, media_type=JSON, headers={"Vary": "Accept"}))

    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept, Accept-Encoding")
    assert int(headers["content-length"]) == len(body) < len(LARGE) / 5
    assert gzip.decompress(body) == LARGE


@given(st.lists(st.binary(max_size=3 * BYTES_BESIDE), max_size=5))
def test_a_stream_says_the_same_whatever_its_parts(parts: list[bytes]) -> None:
    async def stream() -> Any:
        for part in parts:
            yield part

    headers, body = asked(StreamingResponse(stream(), media_type="text/csv"))

    assert (gzip.decompress(body) if "content-encoding" in headers else body) == b"".join(parts)
    assert "content-length" not in headers or int(headers["content-length"]) == len(body)


@pytest.mark.parametrize("accepted", [None, "", "br", "gzip;q=0", "gzip; q=0.0", "identity", "deflate, gzipped"])
def test_who_does_not_accept_it_gets_it_plain(accepted: str | None) -> None:
    headers, body = asked(Response(LARGE, media_type=JSON), accepted)

    assert "content-encoding" not in headers
    assert body == LARGE


@pytest.mark.parametrize(
    "answer",
    [
        Response(LARGE[: BYTES_MIN - 1], media_type=JSON),
        Response(LARGE, media_type="text/event-stream"),
        Response(LARGE, media_type="application/pdf"),
        Response(LARGE, media_type=JSON, headers={"Content-Encoding": "br"}),
        Response(LARGE, media_type=JSON, headers={"Cache-Control": "no-store, no-transform"}),
    ],
)
def test_small_answers_streams_of_events_and_what_is_compressed_stay_as_they_are(answer: Response) -> None:
    headers, body = asked(answer)

    assert headers.get("content-encoding") != "gzip"
    assert body == answer.body


@pytest.mark.parametrize(("size", "is_beside"), [(BYTES_MIN, False), (BYTES_BESIDE, True)])
def test_large_bodies_are_compressed_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, size: int, *, is_beside: bool
) -> None:
    in_threads: list[int] = []
    to_thread = asyncio.to_thread

    async def noted(work: Callable[[], bytes]) -> bytes:
        in_threads.append(size)
        return await to_thread(work)

    monkeypatch.setattr(asyncio, "to_thread", noted)
    body = (LARGE * 10)[:size]

    assert gzip.decompress(asked(Response(body, media_type=JSON))[1]) == body
    assert bool(in_threads) is is_beside


def test_queries_are_compressed_and_what_mutations_answer_is_not() -> None:
    built = small_app.build()
    client = TestClient(Compression(Starlette(routes=built.routes, middleware=built.middleware)))
    name = "Esch" * BYTES_MIN

    query = client.post("/graphql", json={"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": name}})
    mutation = client.post(
        "/graphql", json={"query": "mutation($n: String!) { rename(name: $n) }", "variables": {"n": name}}
    )

    assert (query.json()["data"], mutation.json()["data"]) == ({"hello": f"hello {name}"}, {"rename": name})
    assert query.headers.get("content-encoding") == "gzip"
    assert "content-encoding" not in mutation.headers
