"""Commonwatt's own processes and its command line, as an operator would run them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx2

from bin.devstack.commands import Application
from bin.devstack.installation import ROOT, STATE
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent

READY_S, ANSWER_S = 30.0, 60.0
COMMONWATT = str(ROOT / "bin/commonwatt")


@dataclass(frozen=True, slots=True)
class Running:
    """An API, a worker and a relay on one database; `processes` by name."""

    http: httpx2.Client
    url: str
    environment: Mapping[str, str]
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def commonwatt(self, *arguments: str | Path) -> str:
        """What `commonwatt` with these arguments says. It must succeed."""
        return self.run(COMMONWATT, *arguments)

    def run(self, *command: str | Path) -> str:
        """What a command says that is run at the root of the checkout, on this stack. It must succeed."""
        done = subprocess.run(
            [str(part) for part in command], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def without_relay(self) -> Iterator[None]:
        """Let orders gather: while the relay stands still no batch is cleared; afterwards it goes on as it was."""
        self.processes["relay"].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes["relay"].send_signal(signal.SIGCONT)


def options(parameters: Mapping[str, str]) -> list[str]:
    """Parameters of an upload as the command line takes them: intervalLabel=END as --interval-label END."""
    named = {
        "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name): value
        for name, value in parameters.items()
    }
    return [part for option in named.items() for part in option]


@contextlib.contextmanager
def running(
    database_url: str,
    redis_url: str,
    logs: Path,
    more: Mapping[str, str] = MappingProxyType({}),
    *,
    each: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    unready: Collection[str] = (),
) -> Iterator[Running]:
    """Everything up and ready, with more in its environment; nothing of it outlives the block.

    `each`: what the environment of a process has beside, by its name. `unready`: what need not be ready.
    """
    port = any_free()
    url = f"http://{LOOPBACK}:{port}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "COMMONWATT_URL": url,
        "COMMONWATT_PAYMENT_SECRET": "acceptance " * 4,
        "COMMONWATT_PAYMENT_CALLBACK_URL": f"{url}/payments/callbacks",
        "COMMONWATT_PAYMENT_DELAY_S": "0.1",
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(STATE / "numba")),
        **more,
    }
    application = Application()
    with contextlib.ExitStack() as stack:
        http = stack.enter_context(httpx2.Client(timeout=ANSWER_S, trust_env=False))
        started = Running(http, url, environment)
        for name, arguments in {
            "api": (*application.api, str(port)),
            "worker": application.worker,
            "relay": application.relay,
        }.items():
            started.processes[name] = stack.enter_context(
                _started(name, arguments, {**environment, **each.get(name, {})}, logs)
            )
        _wait_until_ready(started, logs, unready)
        yield started


@contextlib.contextmanager
def _started(
    name: str, arguments: tuple[str, ...], environment: Mapping[str, str], logs: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    with (
        (logs / f"{name}.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.kill()


def _wait_until_ready(started: Running, logs: Path, unready: Collection[str]) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        ended = [name for name, process in started.processes.items() if process.poll() is not None]
        assert not ended, "".join((logs / f"{name}.log").read_text() for name in ended)
        with contextlib.suppress(httpx2.TransportError):
            checks = started.http.get(f"{started.url}/readyz").json()["checks"]
            if all(outcome == "ok" for name, outcome in checks.items() if name not in unready):
                return
        assert time.monotonic() < deadline, (logs / "api.log").read_text()
        time.sleep(0.1)
