"""The server's side of a WebSocket, which sends the frames of one turn of the event loop in one write.

A write is a system call and costs more than everything else that is done for a frame; several events are often there
at once. uvicorn uses this by `--ws api.transport.corks:CorkedProtocol`. Backpressure is as before: a connection that
is paused makes its senders wait, and what is corked never exceeds what a transport takes before it pauses.
"""

from functools import lru_cache
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN

CORKED_MAX = 64 * 1024  # Characters; more is written at once.


@lru_cache(maxsize=8)
def _framed(text: str) -> bytes:
    """A text as a server's frame, which is not masked: many connections in a row are sent the same."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class CorkedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with a cork: text frames wait until the loop has run what is ready now.

    They wait among the output of `conn`, so that whatever else is written meanwhile, such as a ping or a close, takes
    them along in order.
    """

    corked = 0

    async def send(self, message: Any) -> None:
        """Take an ASGI message; as the base class does, but for uncompressed text on an open socket."""
        text = message.get("text")
        if text is None or not self.handshake_complete or self.close_sent or self.conn.extensions:
            await super().send(message)
            return
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected:
            raise ClientDisconnected
        if self.conn.state is not OPEN:
            raise ClientDisconnected
        self.conn.writes.append(_framed(text))
        if not self.corked:
            self.loop.call_soon(self._write)
        self.corked += len(text)
        if self.corked > CORKED_MAX:
            self._write()

    def _write(self) -> None:
        self.corked = 0
        frames = self.conn.data_to_send()
        if frames and not self.transport.is_closing():
            self.transport.write(b"".join(frames))
