"""Work on what strangers have sent, in a process of its own that may take so much memory and time and no more.

What a file turns into is known only once it is read, and a thread can be neither bounded nor ended. Processes fork from
one that has what they need imported already, so that each costs some ten milliseconds. Two run at once: others wait.
"""

import asyncio
import multiprocessing
import resource
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from api.transport.terms.errors import RateLimited
from domain.kernel.errors import DomainError

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 2
RETRY_S = 5
PRELOADED = ("domain.metering.imports", "domain.geography.features")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one piece of work may take."""

    memory_bytes: int = 1024 * 2**20  # Beside what the process has when it begins.
    seconds: float = 60.0


class TookTooMuch(DomainError):
    """A file takes more memory or time than it is given, although its size is within limits."""

    def __init__(self, allowance: Allowance) -> None:
        given = f"{allowance.seconds:g} s and {allowance.memory_bytes // 2**20} MiB"
        super().__init__(f"To read this file takes more than the {given} that a file is given: send it in parts.")


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["__main__", __name__, *PRELOADED])
_waiting = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="apart")
_busy: set[str] = set()


@asynccontextmanager
async def alone(caller: str) -> AsyncIterator[None]:
    """One file of a caller at a time, from before it arrives until it is stored. Raises RateLimited."""
    if caller in _busy:
        raise RateLimited("A file of yours is being read; send the next one when it is done.", RETRY_S)
    _busy.add(caller)
    try:
        yield
    finally:
        _busy.discard(caller)


async def run(act: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
    """What a function of a module gives or raises, called with values that can be pickled. Raises TookTooMuch."""
    return await Piece(Allowance()).run(act, *arguments)


class Piece:
    """One piece of work, and the process it is done by."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.process: Any = None
        self.is_given_up = False

    async def run(self, act: Callable[..., T], *arguments: Any) -> T:
        """As `run` of this module does. Ends the process when nobody waits for it any more."""
        try:
            error, result = await asyncio.get_running_loop().run_in_executor(_waiting, self._done, act, arguments)
        except asyncio.CancelledError:
            self.is_given_up = True
            if self.process is not None:
                self.process.kill()
            raise
        if error is not None:
            raise _again(error)
        return result  # type: ignore[no-any-return]

    def _done(self, act: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        """What the process sends: what was raised and what was given, one of them None."""
        ours, theirs = _processes.Pipe(duplex=False)
        with ours:
            self.process = _processes.Process(
                target=_work, args=(theirs, self.allowance, act, arguments), daemon=True, name="apart"
            )
            with theirs:
                if self.is_given_up:
                    return None, None
                self.process.start()
            try:
                if ours.poll(self.allowance.seconds):
                    return ours.recv()  # type: ignore[no-any-return]
            except EOFError:
                pass  # It has ended without a word, as it does where memory cannot be had.
            finally:
                self.process.kill()
                self.process.join()
        return (TookTooMuch, (self.allowance,), {}), None


def _work(answers: Connection, allowance: Allowance, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + allowance.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    seconds = int(allowance.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # Where nobody is left to end it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer: tuple[Any, Any] = None, act(*arguments)
    except MemoryError:
        answer = (TookTooMuch, (allowance,), {}), None
    except Exception as error:
        answer = (type(error), error.args, {**error.__dict__}), None
    answers.send(answer)


def _again(raised: tuple[type[Exception], tuple[Any, ...], dict[str, Any]]) -> Exception:
    """An exception that was raised elsewhere, whatever its class is made with."""
    kind, arguments, facts = raised
    if kind is TookTooMuch:
        return TookTooMuch(*arguments)
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(facts)
    return error
