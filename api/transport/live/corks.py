"""The server's side of a WebSocket, which sends the frames of one turn of the event loop in one write.

A write is a system call and costs more than everything else that is done for a frame; several events are often there
at once. Backpressure is as before: a connection that is paused makes its senders wait, and what
is corked never exceeds what a transport takes before it pauses.
"""

import asyncio
import logging
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN

logger = logging.getLogger("commonwatt.corks")
QUIET = logging.getLogger("commonwatt.corks.protocol")  # uvicorn's own tells of addresses and queries.
QUIET.setLevel(logging.WARNING)

CORKED_MAX = 64 * 1024  # Characters; more is written at once.


@lru_cache(maxsize=8)
def _framed(text: str) -> bytes:
    """A text as a server's frame, which is not masked: many connections in a row are sent the same."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class Cork:
    """The connections of one server that have something to write when the loop has run what is ready now."""

    __slots__ = ("_loop", "_protocols")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._protocols: list[CorkedProtocol] = []

    def hold(self, protocol: "CorkedProtocol") -> None:
        """Write what a connection has, soon: one callback for all of them."""
        if not self._protocols:
            self._loop.call_soon(self._write)
        self._protocols.append(protocol)

    def _write(self) -> None:
        protocols, self._protocols = self._protocols, []
        for protocol in protocols:
            try:
                protocol.write()
            except Exception:  # Of one connection; the others are to be served all the same.
                logger.exception("A connection could not be written to")
                protocol.transport.abort()


CORKS: WeakKeyDictionary[ServerState, Cork] = WeakKeyDictionary()


class CorkedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with a cork: text frames wait until the loop has run what is ready now.

    They wait among the output of `conn`, so that whatever else is written meanwhile, such as a ping or a close, takes
    them along in order.
    """

    def __init__(self, config: Config, server_state: ServerState, *args: Any, **options: Any) -> None:
        super().__init__(config, server_state, *args, **options)
        self.logger = QUIET
        # A server that ends says so to HTTP alone (`bounds.CLOSE`): a handshake would fail of it.
        self.default_headers = [header for header in self.default_headers if header[0] != b"connection"]
        self.cork = CORKS.get(server_state) or CORKS.setdefault(server_state, Cork(self.loop))
        self.corked = 0

    async def send(self, message: Any) -> None:
        """Take an ASGI message; as the base class does, but for uncompressed text on an open socket."""
        text = message.get("text")
        if text is None or not self.handshake_complete or self.close_sent or self.conn.extensions:
            await super().send(message)
            return
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.conn.state is not OPEN:
            raise ClientDisconnected
        self.conn.writes.append(_framed(text))
        if not self.corked:
            self.cork.hold(self)
        self.corked += len(text)
        if self.corked > CORKED_MAX:
            self.write()

    def write(self) -> None:
        """Write what waits."""
        self.corked = 0
        frames = self.conn.data_to_send()
        if frames and not self.transport.is_closing():
            self.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
