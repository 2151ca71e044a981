"""Frames on their way to one connection: sent at once while it takes them, else kept, up to a bound.

Most frames go out without a task: a sending coroutine is run on the spot as far as it goes, which with a reader that
keeps up is to its end. Only where it has to wait does a writer take over, until nothing is left. Whoever has too much
waiting, or takes too long for one frame, is given up: a subscriber resumes from its cursor.
"""

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

from api.transport.terms.settings import MailboxBounds

Frame = TypeVar("Frame", str, bytes)
Sending = Coroutine[Any, Any, None]


class MailboxClosed(Exception):
    """The connection takes no more frames."""


class Mailbox(Generic[Frame]):
    """The frames of one connection, in order. `give_up` is called once, when the reader is too slow."""

    __slots__ = ("_bounds", "_give_up", "_kept", "_send", "_size", "_writer", "is_closed")

    def __init__(self, send: Callable[[Frame], Sending], bounds: MailboxBounds, give_up: Callable[[], None]) -> None:
        self._send: Callable[[Frame], Sending] = send
        self._bounds = bounds
        self._give_up = give_up
        self._writer: asyncio.Task[None] | None = None
        self._kept: deque[Frame] | None = None  # While there is a writer: an empty deque takes 600 bytes.
        self._size = 0
        self.is_closed = False

    def put(self, frame: Frame) -> None:
        """Send a frame, or keep it until it can be sent. Does nothing once closed."""
        if self.is_closed:
            return
        if self._kept is not None:
            self._keep(frame, self._kept)
            return
        try:
            rest = run_until_it_waits(self._send(frame))
        except Exception:  # The connection is lost, however the server says so; whoever reads from it sees the end.
            self.close()
            return
        if rest is not None:
            self._kept = deque()
            self._writer = asyncio.create_task(self._write(rest, self._kept))
            self._writer.add_done_callback(lambda _: rest.close())  # It may be cancelled before it began.

    async def send(self, frame: Frame) -> None:
        """Send a frame, after those that wait. Raises MailboxClosed."""
        self.put(frame)
        if self._writer is not None:
            await asyncio.wait({self._writer})
        if self.is_closed:
            raise MailboxClosed

    def close(self) -> None:
        """Forget what waits; nothing is sent any more."""
        self.is_closed = True
        self._kept = None
        if self._writer is not None:
            self._writer.cancel()

    def _keep(self, frame: Frame, kept: deque[Frame]) -> None:
        kept.append(frame)
        self._size += len(frame)
        if len(kept) > self._bounds.frames_max or self._size > self._bounds.size_max:
            self._overflow()

    def _overflow(self) -> None:
        self.close()
        self._give_up()

    async def _write(self, rest: Sending, kept: deque[Frame]) -> None:
        try:
            await self._in_time(rest)
            while kept and not self.is_closed:
                frame = kept.popleft()
                self._size -= len(frame)
                await self._in_time(self._send(frame))
            self._kept = None
        except TimeoutError:
            self._writer = None
            self._overflow()
        except Exception:  # Lost, as above.
            self.close()
        finally:
            self._writer = None

    async def _in_time(self, sending: Sending) -> None:
        async with asyncio.timeout(self._bounds.send_seconds_max):
            await sending


def run_until_it_waits(sending: Sending) -> Sending | None:
    """Run a coroutine as far as it goes without waiting: what is left of it, None when it is done.

    It may not ask which task it runs in, as `asyncio.timeout` does: the rest runs in another one.
    """
    try:
        awaited = sending.send(None)
    except StopIteration:
        return None
    return _rest(sending, awaited)


async def _rest(sending: Sending, awaited: Any) -> None:
    await _resumed(sending, awaited)


@types.coroutine
def _resumed(sending: Sending, awaited: Any) -> Generator[Any, Any, None]:
    """Waits for what the coroutine waits for, and goes on with it."""
    while True:
        try:
            value = yield awaited
        except BaseException as error:
            step: Callable[[], Any] = partial(sending.throw, error)
        else:
            step = partial(sending.send, value)
        try:
            awaited = step()
        except StopIteration:
            return
