"""That a process is to end: it is not ready from then on, and what goes on without end is told to leave."""

import asyncio
from collections.abc import Callable


class Stopping:
    """Of one application, which may be told once."""

    def __init__(self) -> None:
        self.is_asked = False
        self._leave: set[Callable[[], None]] = set()
        self._is_empty = asyncio.Event()
        self._has_left = False

    def begin(self) -> None:
        """Be not ready from now on, and go on."""
        self.is_asked = True

    def leave(self) -> None:
        """Tell sockets and streams, those that open from now on, too."""
        self.is_asked = self._has_left = True
        for leave in list(self._leave):
            leave()

    def join(self, leave: Callable[[], None]) -> None:
        """Be told by a call when to leave; `part` says that one has."""
        self._leave.add(leave)
        if self._has_left:
            leave()

    def part(self, leave: Callable[[], None]) -> None:
        """Whoever joined has left."""
        self._leave.discard(leave)
        if not self._leave:
            self._is_empty.set()

    async def emptied(self) -> None:
        """Wait until all have left."""
        while self._leave:
            self._is_empty.clear()
            await self._is_empty.wait()
