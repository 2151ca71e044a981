"""Child processes: started, watched, restarted, stopped."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from bin.devstack.guard import Guard

RESTARTS_MAX = 5
RESTARTS_WITHIN_S = 30
RESTART_DELAY_S = 0.2
RESTART_DELAY_S_MAX = 5.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessFailed(Exception):
    """A process ended that should not have; the message ends with the last lines of its log."""


def dying_with_parent(signal_number: int) -> Callable[[], None]:
    """For Popen's preexec_fn: the kernel signals the process when its parent dies (Linux only).

    It runs after the change of user, which would undo it.
    """
    parent = os.getpid()

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # The parent died before the line above.
            os._exit(1)

    return ask_kernel


class RunAs(TypedDict, total=False):
    """Popen's arguments for another user; empty for our own."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and how it likes to be stopped."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    stage: int = 0
    """Children stop by stages, those of the highest first, those of one stage together."""
    stop: signal.Signals = signal.SIGTERM
    grace_s: float = 0.3
    """From the stop signal until SIGKILL."""
    orphaned: signal.Signals = signal.SIGKILL
    """Sent by the kernel when the supervisor itself was killed."""
    user: RunAs = field(default_factory=RunAs)


class Child:
    """One running command; its output goes to a log file."""

    def __init__(self, command: Command, directory: Path, logs: Path, guard: Guard) -> None:
        self.command = command
        self._guard = guard
        self.log = logs / f"{command.name}.log"
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self.log.write_text("")

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        with self.log.open("a") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.command.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._directory,
                env=dict(self.command.environment),
                start_new_session=True,
                preexec_fn=dying_with_parent(self.command.orphaned),
                **self.command.user,
            )
        await self._guard.watch(self.process_id, self.command.orphaned)

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def stop(self) -> None:
        """Signal, wait, kill: afterwards neither the child nor anything in its session runs."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if not self.has_ended:
                self._process.send_signal(self.command.stop)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), self.command.grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._guard.forget(self.process_id, self.command.orphaned)

    def failure(self) -> ProcessFailed:
        status = self._process.returncode if self._process else None
        last_lines = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        return ProcessFailed(f"{self.command.name} ended with status {status}. The end of {self.log}:\n{last_lines}")


class Supervisor:
    """Starts children in order, restarts those that end, stops them by stages."""

    def __init__(self, directory: Path, logs: Path, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._logs = logs
        self._say = say
        self._guard = Guard()
        self._children: list[Child] = []
        self._watchers: list[asyncio.Task[None]] = []

    async def run(self, command: Command) -> None:
        """Run a command to its end. Raises ProcessFailed unless it ends with status 0."""
        child = Child(command, self._directory, self._logs, self._guard)
        try:
            await child.start()
            status = await child.wait()
        finally:
            await child.stop()
        if status != 0:
            raise child.failure()

    async def start(
        self, command: Command, is_ready: Callable[[int], bool] | None = None, timeout_s: float = 180
    ) -> None:
        """Start a child and watch over it from the moment it is ready.

        `is_ready` is asked with its process id. Raises ProcessFailed when it ends or stays silent before.
        """
        child = Child(command, self._directory, self._logs, self._guard)
        self._children.append(child)
        await child.start()
        deadline = time.monotonic() + timeout_s
        while is_ready and not await asyncio.to_thread(is_ready, child.process_id):
            if child.has_ended or time.monotonic() > deadline:
                raise child.failure()
            await asyncio.sleep(0.02)
        self._watchers.append(asyncio.create_task(self._keep_running(child)))

    def process_id(self, name: str) -> int | None:
        """Of a watched child, by the name of its command; None while it does not run."""
        child = next(child for child in self._children if child.command.name == name)
        return None if child.has_ended else child.process_id

    async def watch(self) -> None:
        """Wait until some child keeps ending. Raises ProcessFailed."""
        done, _ = await asyncio.wait(self._watchers, return_when=asyncio.FIRST_COMPLETED)
        for watcher in done:
            watcher.result()

    async def stop(self) -> None:
        """Stop the children, stage by stage."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for stage in sorted({child.command.stage for child in self._children}, reverse=True):
            await asyncio.gather(*(child.stop() for child in self._children if child.command.stage == stage))
        self._children.clear()
        await self._guard.close()

    async def _keep_running(self, child: Child) -> None:
        restarts: deque[float] = deque(maxlen=RESTARTS_MAX)
        while True:
            status = await child.wait()
            now = time.monotonic()
            recent = sum(now - at < RESTARTS_WITHIN_S for at in restarts)
            if recent == RESTARTS_MAX:
                raise child.failure()
            # The first restart is at once; later ones leave what it depends on time to come back.
            delay_s = min(RESTART_DELAY_S * 3**recent, RESTART_DELAY_S_MAX)
            self._say(f"{child.command.name} ended with status {status}, starting it again in {delay_s:.1f} s")
            await asyncio.sleep(delay_s)
            restarts.append(time.monotonic())
            await child.stop()  # What it left behind in its session.
            await child.start()
