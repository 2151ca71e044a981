"""Start a program for the length of a block: servers that listen on a port, and Valkey."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bin.devstack.installation import ROOT, require_valkey
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent
from tests.bench.measuring import tools


class NotStarted(Exception):
    """A program ended, or did not listen in time; the message ends with its output."""


@dataclass(frozen=True, slots=True)
class Server:
    """A program that listens on loopback."""

    name: str
    port: int
    process_id: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/graphql"


@contextlib.contextmanager
def process(
    name: str, command: Sequence[str], environment: Mapping[str, str], directory: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A program whose output goes to a log."""
    tools.KEPT.mkdir(exist_ok=True)
    with log_of(name).open("w") as output:
        started = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
        )
    try:
        yield started
    finally:
        started.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(5)
        started.kill()
        started.wait()


def log_of(name: str) -> Path:
    return tools.KEPT / f"{name}.log"


@contextlib.contextmanager
def server(
    name: str, command: Sequence[str], environment: Mapping[str, str], *, port: int, directory: Path = ROOT
) -> Iterator[Server]:
    """A program once it accepts connections. Raises NotStarted."""
    with process(name, command, environment, directory) as started:
        _wait_for(port, started, log_of(name))
        yield Server(name, port, started.pid)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Address of an empty Valkey that keeps nothing."""
    port = any_free()
    command = [str(require_valkey()), "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
    with server("valkey", command, {}, port=port, directory=Path("/tmp")):
        yield f"redis://{LOOPBACK}:{port}/0"
