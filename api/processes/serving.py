"""The API process: `python -m api`. Which server serves the application, with which options, and how it ends.

All that is loaded by the time it serves stays for as long as the process does, so the collector need not look at it
ever again: otherwise it stops every request for a fifth of a second now and then.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.processes import app, ending, starting
from api.transport.http import bounds
from api.transport.http.bounds import BoundedProtocol
from api.transport.live.corks import CorkedProtocol
from api.transport.terms.stopping import Stopping

logger = logging.getLogger("commonwatt.serving")

UNBOUNDED = "This process bounds neither headers nor idle connections: start it by `python -m api`."

# The one place of what uvicorn is started with. Whose word is taken on a caller's address is a setting of ours
# (`trusted_proxies`), so uvicorn's own reading of such headers is off.
OPTIONS: dict[str, Any] = {
    "http": BoundedProtocol,
    "ws": CorkedProtocol,
    "ws_max_size": 65_536,
    "ws_per_message_deflate": False,
    "access_log": False,
    "proxy_headers": False,
    "server_header": True,
    "timeout_keep_alive": 30,
    "lifespan": "on",
    "log_config": None,
}
SOCKET_MODE = 0o660  # Whoever may write to it is believed on whom it speaks for: a proxy in our group.
NEW_S_MAX = 0.5  # For the first request of a connection that came last.
LOOK_S = 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; the exit status is 0 unless it could not start."""
    given = _parser().parse_args(arguments)
    configured = starting.begin("api")
    if configured.demo and not _is_of_this_machine(given.host):
        sys.stderr.write(
            f"--host {given.host}: a demo (COMMONWATT_DEMO), whose passwords everybody knows, is for here only\n"
        )
        return 2
    config = uvicorn.Config(lambda: None, host=given.host, port=given.port, uds=given.socket, **OPTIONS)
    if given.socket:
        _remove_left_behind(Path(given.socket))
    listener = config.bind_socket()  # What is taken is known before anything is loaded; nobody is let in yet.
    if given.socket:
        Path(given.socket).chmod(SOCKET_MODE)
    stopping = Stopping()
    config.app = create_app(stopping)
    server = Server(config, stopping, drain_s=configured.drain_s, stop_s=configured.stop_s)
    try:
        server.run(sockets=[listener])
    finally:
        if given.socket:
            Path(given.socket).unlink(missing_ok=True)
    return 0 if server.started else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api", description="Serve the API; settings: docs/settings.md.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; default 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at, 0 for any that is free; 8000")
    parser.add_argument("--socket", metavar="PATH", help="unix socket to listen at, in place of host and port")
    return parser


def _is_of_this_machine(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _remove_left_behind(path: Path) -> None:
    """A socket that a process left which was killed; one that is listened at stays."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(path)) != 0:
                    path.unlink()


def create_app(stopping: Stopping | None = None) -> ASGIApp:
    """The application, in a process of its own."""
    application = app.create_app(stopping=stopping)
    gc.collect()
    gc.freeze()
    return guarded(application)


def guarded(application: ASGIApp) -> ASGIApp:
    """The application, where connections have bounds; elsewhere nothing but the reason why not."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or bounds.came_through(scope):
            await application(scope, receive, send)
            return
        logger.error(UNBOUNDED)
        if scope["type"] == "http":
            await PlainTextResponse(UNBOUNDED, 503)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1011})

    return serve


class Server(uvicorn.Server):
    """uvicorn's server, which loses nobody when it ends and ends in time.

    Told to end, it is not ready, and ends each connection with its next answer, so that a proxy keeps none of them.
    After `drain_s` it listens no more: who has connected by then is still answered. Sockets are closed with 1012 once
    what they asked for is done, event streams end without `complete`, so that clients come back. What still runs
    after `stop_s` more is cut off.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, *, drain_s: float, stop_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_s, self._stop_s = drain_s, stop_s

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's, it leaves no signal to die of when all is done."""
        with ending.on_signal(self._ask_to_end, self._drain_s + self._stop_s):
            yield

    def _ask_to_end(self) -> None:
        self.should_exit = True
        self._stopping.begin()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._stopping.begin()
        self.server_state.default_headers = [*self.server_state.default_headers, bounds.CLOSE]
        await asyncio.sleep(self._drain_s)
        ends_at = loop.time() + self._stop_s
        waiting = [connection for listener in sockets or () for connection in _accepted(listener)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        self._stopping.leave()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_asked(), min(NEW_S_MAX, self._stop_s))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.emptied(), ends_at - loop.time())
        self.config.timeout_graceful_shutdown = max(0.0, ends_at - loop.time())  # type: ignore[assignment]
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def _all_asked(self) -> None:
        """Wait until there is no connection without a request."""
        connections = self.server_state.connections
        while any(isinstance(each, BoundedProtocol) and each.is_new for each in connections):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Those who have connected and wait to be let in: closing the listener would reset them."""
    with contextlib.suppress(BlockingIOError):
        while True:
            connection = listener.accept()[0]
            connection.setblocking(False)
            yield connection
