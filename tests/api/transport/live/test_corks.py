"""Frames leave together where they are there together, in order, and a reader who is slow makes senders wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.transport.live.corks import CORKED_MAX, CorkedProtocol

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextlib.asynccontextmanager
async def served(app: ASGIApp, *, compresses: bool = False) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app, port=0, log_config=None, lifespan="off", ws=CorkedProtocol, ws_per_message_deflate=compresses
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of frames in each write."""
    found: list[int] = []
    write = CorkedProtocol.write

    def noted(protocol: CorkedProtocol) -> None:
        found.append(len(protocol.conn.writes))
        write(protocol)

    monkeypatch.setattr(CorkedProtocol, "write", noted)
    return found


async def accepted(receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


def frame(text: str) -> dict[str, Any]:
    return {"type": "websocket.send", "text": text}


async def test_frames_of_one_turn_leave_in_one_write_and_in_order(writes: list[int]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await accepted(receive, send)
        for number in range(3):
            await send(frame(str(number)))
        await asyncio.sleep(0)
        await send(frame("é"))
        await receive()

    async with served(app) as url, connect(url) as socket:
        told = [await socket.recv() for _ in range(4)]

    assert told == ["0", "1", "2", "é"]
    assert writes[:2] == [3, 1]


@pytest.mark.parametrize("compresses", [False, True])
async def test_what_is_corked_goes_out_before_a_close(compresses: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await accepted(receive, send)
        await send(frame("last"))
        await send({"type": "websocket.send", "bytes": b"binary"})
        await send({"type": "websocket.close", "code": 4403, "reason": "over"})

    async with served(app, compresses=compresses) as url, connect(url) as socket:
        told = [await socket.recv(), await socket.recv()]
        with pytest.raises(ConnectionClosed) as ended:
            await socket.recv()

    assert told == ["last", b"binary"]
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 4403


async def test_a_paused_connection_makes_its_sender_wait_until_it_is_lost() -> None:
    sent = 0
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await accepted(receive, send)
        try:
            for _ in range(100_000):
                await send(frame("x" * 1_000))
                sent += 1
        finally:
            ended.set()

    async with served(app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1_024)
        writer.write(HANDSHAKE)
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            before = -1
            while sent != before:
                before = sent
                await asyncio.sleep(0.3)
            writer.transport.abort()
            await ended.wait()

    assert CORKED_MAX / 1_000 < sent == before


async def test_a_connection_that_cannot_be_written_to_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sends: list[Send] = []
    write = CorkedProtocol.write

    def broken_for_the_first(protocol: CorkedProtocol) -> None:
        if protocol.conn.writes and b"both" in protocol.conn.writes[-1] and protocol.send == sends[0]:
            raise RuntimeError
        write(protocol)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await accepted(receive, send)
        sends.append(send)
        if len(sends) == 2:
            for each in sends:
                await each(frame("both"))
        await receive()

    monkeypatch.setattr(CorkedProtocol, "write", broken_for_the_first)
    async with served(app) as url, connect(url) as broken, connect(url) as whole:
        assert await whole.recv() == "both"
        with pytest.raises(ConnectionClosed):
            await broken.recv()
