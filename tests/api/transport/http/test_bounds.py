"""Connections that send without end, or hardly at all, end soon, and others are served meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect

from api.processes.serving import guarded
from api.transport.http.bounds import BoundedProtocol, Bounds
from api.transport.live.corks import CorkedProtocol

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
IN_CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LARGE = 30_000_000
PIECES = 4_000


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = Bounds(header_s=0.2, idle_s=0.6, progress_bytes=4096, look_s=0.05)
    monkeypatch.setattr(BoundedProtocol, "bounds", bounds)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers `/` when the body has come, `/unread` before, `/slow` after a second and `/large` with 30 MB."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        return
    while scope["path"] == "/":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    body = b"x" * (LARGE if scope["path"] == "/large" else 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def served(app: ASGIApp, **options: object) -> AsyncIterator[int]:
    """The port of a server with the options."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", **options))  # type: ignore[arg-type]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served(application, http=BoundedProtocol, ws=CorkedProtocol, timeout_keep_alive=60) as found:
        yield found


async def ended(port: int, begin: bytes, pieces: Iterator[bytes], pause_s: float = 0.05) -> tuple[bytes, float]:
    """What a connection was answered until the server ended it, and after how long; sent in pieces."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = asyncio.create_task(reader.read())
    with contextlib.suppress(ConnectionError):
        writer.write(begin)
        for piece in pieces:
            if answers.done():
                break
            writer.write(piece)
            await asyncio.sleep(pause_s)
            await writer.drain()
    answer = b""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            answer = await answers
    took = time.monotonic() - began
    writer.close()
    return answer, took


def repeated(piece: bytes, times: int = PIECES) -> Iterator[bytes]:
    return (piece for _ in range(times))


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (GET + b"A: ", b"a" * 10_000),
        (GET, b"A: b\r\n" * 1_000),
        (b"GET /", b"a" * 10_000),
        (b"G", b"E" * 10_000),
        (GET + b"\r\n" + GET + b"A: ", b"a" * 10_000),  # Of the second request on a connection.
    ],
)
async def test_headers_without_end_are_refused(port: int, begin: bytes, piece: bytes) -> None:
    answer, took = await ended(port, begin, repeated(piece), pause_s=0)

    assert answer.split(b"HTTP/1.1 ")[-1].startswith((b"431", b"400"))
    assert took < 0.6


@pytest.mark.parametrize("begin", [b"", b"\r\n"])
async def test_headers_just_within_their_bound_are_taken(port: int, begin: bytes) -> None:
    head = begin + GET + b"Connection: close\r\nA: " + b"a" * (64 * 1024 - 100)

    answer, _ = await ended(port, head + b"\r\n\r\n", repeated(b"", 0))

    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begin", [GET, GET + b"\r\n" + GET, b"G", b"\r\n", GET + b"\r\n\r\n"])
async def test_a_request_that_is_half_sent_ends_although_it_trickles(port: int, begin: bytes) -> None:
    piece = b"\r\n" if begin.endswith(b"\r\n\r\n") or begin == b"\r\n" else b"a"

    _, took = await ended(port, begin, repeated(piece))

    assert took < 1.5


@pytest.mark.parametrize("begin", [b"", GET + b"\r\n"])
async def test_a_connection_that_says_nothing_ends(port: int, begin: bytes) -> None:
    _, took = await ended(port, begin, repeated(b"", 0))

    assert 0.3 < took < 1.5


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (POST + b"Content-Length: 1000000\r\n\r\n", b"a"),
        (POST.replace(b"/", b"/unread", 1) + b"Content-Length: 1000000\r\n\r\n", b"a"),
        (IN_CHUNKS, b"1\r\na\r\n"),
        (IN_CHUNKS + b"0\r\n", b"A: b\r\n"),
        (IN_CHUNKS + b"1;", b"a"),
    ],
)
async def test_a_body_that_trickles_ends(port: int, begin: bytes, piece: bytes) -> None:
    _, took = await ended(port, begin, repeated(piece))

    assert took < 2


@pytest.mark.parametrize(("begin", "piece"), [(b"0\r\n", b"A: b\r\n" * 1_000), (b"1;", b"a" * 10_000)])
async def test_what_stands_around_a_body_has_an_end(port: int, begin: bytes, piece: bytes) -> None:
    _, took = await ended(port, IN_CHUNKS + begin, repeated(piece), pause_s=0)

    assert took < 0.6


async def test_a_body_that_goes_on_is_taken_however_long_it_takes(port: int) -> None:
    head = POST + b"Connection: close\r\nContent-Length: 100000\r\n\r\n"

    answer, took = await ended(port, head, repeated(b"a" * 5_000, 20), pause_s=0.1)

    assert took > 1.5
    assert answer.startswith(b"HTTP/1.1 200")


async def test_an_answer_that_takes_long_is_waited_for(port: int) -> None:
    head = GET.replace(b"/", b"/slow", 1) + b"Connection: close\r\n\r\n"

    answer, took = await ended(port, head, repeated(b"", 0))

    assert took >= 1
    assert answer.endswith(b"\r\n\r\nxx")


@pytest.mark.parametrize("head", [b"\r\n", b"Connection: close\r\n\r\n"])
async def test_an_answer_that_nobody_reads_is_dropped(port: int, head: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)  # Stops reading at once.
    writer.write(GET.replace(b"/", b"/large", 1) + head)

    async with asyncio.timeout(5):
        with pytest.raises(ConnectionError):
            await _write_on(writer)


async def _write_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_others_are_served_meanwhile(port: int) -> None:
    attacks = [asyncio.create_task(ended(port, GET + b"A: ", repeated(b"a" * 60_000), pause_s=0)) for _ in range(20)]
    began = time.monotonic()

    answer, _ = await ended(port, GET + b"Connection: close\r\n\r\n", repeated(b"", 0))

    assert answer.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < 1
    await asyncio.gather(*attacks)


async def test_an_application_serves_only_where_connections_have_bounds() -> None:
    async def answer_at(port: int) -> bytes:
        return (await ended(port, GET + b"Connection: close\r\n\r\n", repeated(b"", 0)))[0]

    async with served(guarded(application)) as plain:
        refused = await answer_at(plain)
    async with served(guarded(application), http=BoundedProtocol, ws=CorkedProtocol) as bounded:
        taken = await answer_at(bounded)
        async with connect(f"ws://127.0.0.1:{bounded}/") as socket:
            await socket.wait_closed()

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"python -m api" in refused
    assert taken.startswith(b"HTTP/1.1 200")
    assert socket.close_code == 1000
