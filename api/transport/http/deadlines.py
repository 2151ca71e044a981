"""Deadlines of many short tasks at the price of one timer: `asyncio.timeout` costs each five microseconds.

All have the same time, so the one begun first ends first, and looking now and then at the head of the line is enough.
"""

import asyncio
from typing import Any

CHECKS = 20  # In the time of one deadline: a task may run a twentieth longer.


class Deadlines:
    """Cancels tasks that have not ended in time."""

    def __init__(self, seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self.ends: dict[asyncio.Task[Any], float] = {}
        self.passed: set[asyncio.Task[Any]] = set()
        self.is_checking = False

    def begin(self) -> asyncio.Task[Any]:
        """Give the current task its time from now on; `end` it in any case."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self.ends[task] = loop.time() + self.seconds_max
        if not self.is_checking:
            self._check_later(loop)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        self.ends.pop(task, None)
        self.passed.discard(task)

    def caused(self, task: asyncio.Task[Any]) -> bool:
        """Whether the CancelledError just caught in a task was its deadline's; then it is no longer cancelled."""
        return task in self.passed and task.uncancel() == 0

    def _check_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_checking = True
        loop.call_later(self.seconds_max / CHECKS, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, end in self.ends.items() if end <= now]:
            del self.ends[task]
            self.passed.add(task)
            task.cancel()
        self.is_checking = False
        if self.ends:
            self._check_later(loop)
