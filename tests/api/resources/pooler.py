"""A pool in transaction mode, as small as can be: each transaction of a client gets the server connection that has
waited longest, so that two in a row hardly ever have the same one. Start-up messages are taken and forgotten.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy import make_url

SSL_REQUEST = 80877103
READY = b"Z"
Server = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Pooler:
    """Serves clients on a port."""

    database_url: str
    size: int = 3
    idle: asyncio.Queue[Server] = field(default_factory=asyncio.Queue)
    told: bytes = b""  # What a server says of itself when it is connected to.
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self) -> asyncio.Server:
        for _ in range(self.size):
            await self.idle.put(await self._connect())
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        name = make_url(self.database_url).database
        return f"postgresql+asyncpg://somebody@127.0.0.1:{self.port}/{name}"

    async def _connect(self) -> Server:
        url = make_url(self.database_url)
        host = url.query.get("host") or url.host
        assert isinstance(host, str)
        if host.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{url.query.get('port', 5432)}")
        else:
            reader, writer = await asyncio.open_connection(host, url.port or 5432)
        self.writers.append(writer)
        said = b"".join(
            name + b"\0" + value.encode() + b"\0"
            for name, value in (
                (b"user", url.username or str(url.query.get("user"))),
                (b"database", url.database or ""),
            )
        )
        writer.write(struct.pack("!ii", len(said) + 9, 196608) + said + b"\0")
        self.told = b""
        while True:
            kind, body = await _message(reader)
            assert kind != b"E", body
            assert kind != b"R" or body == b"\0\0\0\0", "the server wants a password"
            if kind == READY:
                return reader, writer
            if kind == b"S":
                self.told += _packed(kind, body)

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        self.writers.append(answers)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (await _startup(client)) == SSL_REQUEST:
                answers.write(b"N")
            key = _packed(b"K", struct.pack("!ii", 1, 2))
            answers.write(_packed(b"R", b"\0\0\0\0") + self.told + key + _packed(READY, b"I"))
            while True:
                first = await _message(client)
                if first[0] == b"X":
                    break
                await self._transaction(first, client, answers)
        answers.close()

    async def _transaction(
        self, first: tuple[bytes, bytes], client: asyncio.StreamReader, answers: asyncio.StreamWriter
    ) -> None:
        """Carry messages between a client and one server until no transaction is open and none is waited for."""
        reader, writer = server = await self.idle.get()
        forwarding = asyncio.create_task(_forward(first, client, writer))
        while True:
            reading = asyncio.create_task(_message(reader))
            await asyncio.wait({reading, forwarding}, return_when=asyncio.FIRST_COMPLETED)
            if forwarding.done():  # The client has left in the middle of it.
                reading.cancel()
                writer.close()
                server = await self._connect()
                break
            kind, body = reading.result()
            answers.write(_packed(kind, body))
            if kind == READY and body == b"I":
                break
        forwarding.cancel()
        await asyncio.gather(forwarding, return_exceptions=True)
        await self.idle.put(server)


async def _forward(first: tuple[bytes, bytes], client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    message = first
    while True:
        writer.write(_packed(*message))
        message = await _peeked(client)


async def _peeked(client: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next message, taken whole or, where this is cancelled, not at all: headers wait in the reader's buffer."""
    while True:
        buffer = client._buffer  # type: ignore[attr-defined]
        if len(buffer) >= 5 and len(buffer) >= 1 + struct.unpack("!i", buffer[1:5])[0]:
            return await _message(client)
        if client.at_eof():
            raise ConnectionError
        await client._wait_for_data("peek")  # type: ignore[attr-defined]


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind, length = struct.unpack("!ci", await reader.readexactly(5))
    return kind, await reader.readexactly(length - 4)


async def _startup(reader: asyncio.StreamReader) -> int:
    """The code of a message that has no kind: of a start-up, or of what comes before it."""
    length, code = struct.unpack("!ii", await reader.readexactly(8))
    await reader.readexactly(length - 8)
    return int(code)


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@contextlib.asynccontextmanager
async def pooled(database_url: str) -> AsyncIterator[Pooler]:
    """A pool before a database."""
    pooler = Pooler(database_url)
    server = await pooler.open()
    yield pooler
    server.close()
    for writer in pooler.writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in pooler.writers), return_exceptions=True)
