"""A share of the database for heavy reads: few at a time in a process, and one at a time for each caller.

Decision, 2026-11-30: a share of the one pool, not a pool beside it. What is heavy waits for its turn before it takes a
connection, so that the rest of the connections are always there for what is light; and as each caller waits in a line
of its own, a caller who asks for twenty series holds up those of others by one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


class _Line:
    """Those of one caller who wait, or read."""

    def __init__(self) -> None:
        self.turn = asyncio.Semaphore(1)
        self.length = 0


class Turns:
    """Who may read heavily now."""

    def __init__(self, at_once: int) -> None:
        self._of_all = asyncio.Semaphore(at_once)
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn and have it for the block. Within a turn another one is the same."""
        if _has_turn.get():
            yield
            return
        line = self._lines.setdefault(caller, _Line())
        line.length += 1
        try:
            async with line.turn, self._of_all:
                had = _has_turn.set(True)
                try:
                    yield
                finally:
                    _has_turn.reset(had)
        finally:
            line.length -= 1
            if line.length == 0:
                del self._lines[caller]
