"""Ports on loopback, the same ones at every start where they are free."""

import contextlib
import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        # As the servers do, so that connections still closing after a restart do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class Ports:
    """Remembers in a file which port each service had; without a file, every port is a new one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._chosen: dict[str, int] = {}
        if path and path.exists():
            self._chosen = json.loads(path.read_text())

    def choose(self, service: str, preferred: int | None = None) -> int:
        wanted = [port for port in (preferred, self._chosen.get(service)) if port]
        port = next((port for port in wanted if is_free(port)), None) or any_free()
        self._chosen[service] = port
        if self._path:
            self._path.write_text(json.dumps(self._chosen))
        return port
