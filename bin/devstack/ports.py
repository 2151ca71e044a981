"""Ports on loopback, the same ones at every start where they are free; it is said where they are not."""

import contextlib
import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path

from bin.devstack.progress import say

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nobody has the port, under any address that `localhost` may stand for."""
    return all(_is_free(*address, port) for address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")))


def _is_free(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            # As the servers do, so that connections still closing after a restart do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as reason:
        return family is socket.AF_INET6 and reason.errno != errno.EADDRINUSE  # A machine may do without.
    return True


def any_free() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class PortTaken(Exception):
    """Another program has the port that was asked for."""


def named_port(text: str) -> int:
    """The port that a setting names. Raises ValueError, and PortTaken for one that is not free."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise ValueError(f"COMMONWATT_PORT must be a port, 1 to 65535, not {text!r}")
    if not is_free(int(text)):
        raise PortTaken(f"Another program has port {text}. Stop it, or set COMMONWATT_PORT to a port that is free.")
    return int(text)


class Ports:
    """Remembers in a file which port each service had; without a file, every port is a new one."""

    def __init__(self, path: Path | None, say: Callable[[str], None] = say) -> None:
        self._path = path
        self._say = say
        self._chosen: dict[str, int] = {}
        if path and path.exists():
            self._chosen = json.loads(path.read_text())

    def choose(self, service: str, preferred: int | None = None) -> int:
        """The preferred port, else the last one, else any; a better one that is taken is named."""
        wanted = dict.fromkeys(port for port in (preferred, self._chosen.get(service)) if port)
        free = next((port for port in wanted if is_free(port)), None)
        port = free or any_free()
        for taken in wanted:
            if taken == port:
                break
            self._say(f"Another program has port {taken}: {service} uses {port}")
        self._chosen[service] = port
        if self._path:
            self._path.write_text(json.dumps(self._chosen))
        return port
