"""Pools on a server that has fewer connections than its clients would open: who finds no place waits for one.

A process keeps one connection of each kind from its start, so something always comes back to wait for. Where hardly one
is left, a pool gives to the others what it did not need for a while.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import queue
from sqlalchemy.util.concurrency import await_

FULL = "53300"  # Of the server, the database or the login.
FULL_S = 0.1  # For which nobody of a pool asks again: each time costs the server a process.
LOOK_S = 0.01
SCARCE, TRIM_S = 5, 2.0  # With fewer than so many left, who comes late is not to wait for long.
FREE = """
SELECT least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - (SELECT sum(numbackends) FROM pg_stat_database),
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = session_user)
        - (SELECT count(*) FROM pg_stat_activity WHERE usename = session_user)
)::int"""


def is_full(error: BaseException | None) -> bool:
    """Whether a server has no connection left for us."""
    while error is not None and getattr(error, "sqlstate", None) != FULL:
        error = error.__cause__
    return error is not None


class Places:
    """Whether a pool may ask a server for one more connection now, and what it did not need."""

    def __init__(self) -> None:
        self._full_until_s = 0.0
        self._low = 0

    @property
    def is_full(self) -> bool:
        return time.monotonic() < self._full_until_s

    def met_full(self) -> None:
        self._full_until_s = time.monotonic() + FULL_S

    def left(self, idle: int) -> None:
        """How many were idle when one had been taken."""
        self._low = min(self._low, idle)

    def unneeded(self, idle: int, all_: int) -> int:
        """How many were idle all the time since the last call; one is always kept."""
        low, self._low = self._low, idle
        return max(0, min(low, idle, all_ - 1))


class PatientPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which waits on a full server as it waits for its own connections."""

    _sqla_logger_namespace = "sqlalchemy.pool.impl.PatientPool"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = Places()

    def _do_get(self) -> ConnectionPoolEntry:
        for is_last in _until(time.monotonic() + self._timeout):
            try:
                taken = self._pool.get(False) if self._places.is_full and not is_last else super()._do_get()
            except queue.Empty:
                pass
            except Exception as error:
                if is_last or not is_full(error):
                    raise
                self._places.met_full()
            else:
                self._places.left(self.checkedin())
                return taken
            await_(asyncio.sleep(LOOK_S))
        raise AssertionError("the last one is given or raised")

    def trim(self) -> None:
        """Give back to the server what was not needed since the last time; in a greenlet."""
        for _ in range(self._places.unneeded(self.checkedin(), self.checkedin() + self.checkedout())):
            try:
                unneeded = self._pool.get(False)
            except queue.Empty:
                return
            try:
                unneeded.close()
            finally:
                self._dec_overflow()


def _until(until_s: float) -> Iterator[bool]:
    """False for each try, and True for the last one."""
    while time.monotonic() < until_s:
        yield False
    yield True
