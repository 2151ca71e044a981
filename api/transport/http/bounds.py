"""Connections that send without end, or hardly at all: uvicorn bounds neither.

Headers have 64 KiB and ten seconds. What goes on after that, be it a body, an answer that is to be read or the pause
before the next request, has to go on within any thirty seconds. `came_through` tells an application whether the server
uses this. Where the server ends, a request that has begun to arrive is answered all the same.

One timer looks at all connections of a server: a timer for each would cost more than the request it guards.
"""

import asyncio
import select
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

PEER = "commonwatt.peer"  # In the state of a scope: the address that has connected, whatever headers say.
CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a connection may take."""

    header_bytes: int = 64 * 1024
    header_s: float = 10.0
    idle_s: float = 30.0
    progress_bytes: int = 4 * 1024  # In `idle_s`; less is as good as nothing.
    overhead: int = 8  # Bytes around one byte of a body in chunks.
    look_s: float = 1.0
    discarded_bytes: int = 1024 * 1024  # Of what comes after a refusal.


class Watch:
    """Looks at the connections of one server now and then, for as long as there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> None:
        self._loop = loop
        self._state = state
        self._is_waiting = False

    def look_later(self, bounds: Bounds) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._loop.call_later(bounds.look_s, self._look, bounds)

    def _look(self, bounds: Bounds) -> None:
        self._is_waiting = False
        now = self._loop.time()
        for connection in list(self._state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.look(now)
        if self._state.connections:
            self.look_later(bounds)


WATCHES: WeakKeyDictionary[ServerState, Watch] = WeakKeyDictionary()


def came_through(scope: Scope) -> bool:
    """Whether a request came over a connection that is bounded."""
    return PEER in scope.get("state", {})


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    bounds = Bounds()

    def __init__(self, config: Config, server_state: ServerState, *arguments: Any, **options: Any) -> None:
        super().__init__(config, server_state, *arguments, **options)
        self.watch = WATCHES.get(server_state) or WATCHES.setdefault(server_state, Watch(self.loop, server_state))
        self.timeout_keep_alive = min(self.timeout_keep_alive, self.bounds.idle_s)  # type: ignore[assignment]
        self.is_refused = False
        self.is_in_headers = True
        self.header_bytes = 0
        self.header_since: float | None = None
        self.received_bytes = self.body_bytes = 0  # Since the headers.
        self.stage: tuple[str, int] = ("", 0)  # What is waited for, and how far it was,
        self.stage_since = 0.0  # when it was last looked at and had moved.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, PEER: self.client and self.client[0]}
        self.stage_since = self.loop.time()
        self.watch.look_later(self.bounds)

    def data_received(self, data: bytes) -> None:
        """Headers are handed on no further than they may go: the parser joins them again with each piece."""
        if self.is_refused:
            self.received_bytes += len(data)
            if self.received_bytes > self.bounds.discarded_bytes:
                self.transport.pause_reading()
            return
        while data and self.is_in_headers and not self.transport.is_closing():
            if self.header_since is None:
                self.header_since = self.loop.time()
            room = self.bounds.header_bytes - self.header_bytes
            part, data = data[:room], data[room:]
            self.header_bytes += len(part)
            super().data_received(part)
            if self.header_bytes >= self.bounds.header_bytes:
                self.refuse(b"431 Request Header Fields Too Large")
                return
        if data and not self.transport.is_closing():
            self.received_bytes += len(data)
            super().data_received(data)
            if self.received_bytes > self.bounds.header_bytes + (1 + self.bounds.overhead) * self.body_bytes:
                self.transport.close()  # Of a body in chunks there is more around it than in it.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.header_since is None:
            self.header_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self.is_in_headers, self.header_bytes, self.header_since = False, 0, None
        self.received_bytes = self.body_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.is_in_headers = True
        self.received_bytes = self.body_bytes = 0
        super().on_message_complete()

    @property
    def is_new(self) -> bool:
        """Whether no request has come yet."""
        return cast("RequestResponseCycle | None", self.cycle) is None

    def shutdown(self) -> None:
        """End when idle; a request that is there, if only in part, is answered first, as `CLOSE` is said with it."""
        if self._is_answering() or not (self.header_since is not None or self._has_more()):
            super().shutdown()

    def _has_more(self) -> bool:
        """Whether something has arrived that was not read yet."""
        waiting = select.poll()
        waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def send_400_response(self, msg: str) -> None:
        self.refuse(b"400 Bad Request", msg.encode())

    def refuse(self, status: bytes, reason: bytes = b"") -> None:
        """End the connection; say why, where nothing else is being said.

        What still comes is read and forgotten for a moment: the answer would be lost if the connection were reset.
        """
        self.is_refused, self.received_bytes = True, 0
        if self._is_answering():
            self.transport.close()
            return
        lines = (b"HTTP/1.1 " + status, b"content-type: text/plain", b"content-length: %d" % len(reason))
        self.transport.write(b"\r\n".join((*lines, b"connection: close", b"", reason)))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.bounds.look_s, self.transport.abort)

    def look(self, now: float) -> None:
        """End what takes too long."""
        if self.is_refused and not self.transport.is_closing():
            return
        if self.header_since is not None and now - self.header_since > self.bounds.header_s:
            if self._is_answering():
                self.header_since = now  # The next request waits for us, not we for it.
            else:
                self.refuse(b"408 Request Timeout")
                return
        stage = self._stage()
        has_moved = stage[0] != self.stage[0] or abs(stage[1] - self.stage[1]) >= self.bounds.progress_bytes
        if has_moved or not stage[0]:
            self.stage, self.stage_since = stage, now
        elif now - self.stage_since > self.bounds.idle_s:
            self.transport.abort()

    def _stage(self) -> tuple[str, int]:
        """What is waited for and how far it is, in bytes; nothing where the client waits for us."""
        if self.transport.is_closing() or self.flow.write_paused:
            return "reading", self.transport.get_write_buffer_size()
        if self.flow.read_paused:
            return "", 0
        if not self.is_in_headers:
            return "body", self.body_bytes
        return ("", 0) if self._is_answering() else ("request", 0)

    def _is_answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request.
        return cycle is not None and not cycle.response_complete
