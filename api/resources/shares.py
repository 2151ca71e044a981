"""A share of the database for heavy reads: few at a time in a process, and one at a time for each caller.

Decision, 2026-11-30: a share of the one pool, not a pool beside it. What is heavy waits for its turn before it takes a
connection, so that the rest of the connections are always there for what is light. Each caller waits in a line of its
own, so one who asks for twenty series holds up others by one; and who came first to the head of a line is served to the
end, as otherwise all would be served by halves until their time is over.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import count

_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


class _Line:
    """Those of one caller who wait, or read."""

    def __init__(self) -> None:
        self.turn = asyncio.Semaphore(1)
        self.length = 0


class _Slots:
    """A semaphore that the lowest number passes first."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    async def take(self, number: int) -> None:
        if self._free:
            self._free -= 1
            return
        passes = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (number, next(self._order), passes))
        try:
            await passes
        except asyncio.CancelledError:
            if passes.done() and not passes.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        while self._waiting:
            _, _, passes = heapq.heappop(self._waiting)
            if not passes.done():
                passes.set_result(None)
                return
        self._free += 1


class Reader:
    """An operation that reads heavily, for a caller."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.number: int | None = None  # Of those who came to the head of their lines.


class Turns:
    """Who may read heavily now."""

    def __init__(self, at_once: int) -> None:
        self._slots = _Slots(at_once)
        self._lines: dict[str, _Line] = {}
        self._numbers = count()

    @asynccontextmanager
    async def turn(self, reader: Reader) -> AsyncIterator[None]:
        """Wait for a turn and have it for the block. Within a turn another one is the same."""
        if _has_turn.get():
            yield
            return
        line = self._lines.setdefault(reader.caller, _Line())
        line.length += 1
        has_slot = False
        try:
            async with line.turn:
                if reader.number is None:
                    reader.number = next(self._numbers)
                await self._slots.take(reader.number)
                has_slot = True
                had = _has_turn.set(True)
                try:
                    yield
                finally:
                    _has_turn.reset(had)
        finally:
            line.length -= 1
            if line.length == 0:
                del self._lines[reader.caller]
            if has_slot:  # Not before the next in the line has come to its head: it may be the one to go on.
                asyncio.get_running_loop().call_soon(self._slots.give_back)
