"""Bare asyncpg connections for reads whose SQL is ready: one statement, one row, no transaction.

asyncpg's own pool costs as much as such a read itself (a proxy, a shielded task and a RESET for each use); nothing here
changes the state of a connection, so all that is left of a pool is a list.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from api.resources.connecting.addresses import Address
from api.resources.connecting.waiting import LOOK_S, Places, is_full
from api.resources.terms import DatabaseUnreachable, Terms, pool_unsaid

WAIT_SECONDS = 5.0
STATEMENTS_KEPT = 256  # Per connection.

# Plans of transactions are kept too, and must also suit a table that is still empty when its plan is made.
SUITED = "SET LOCAL enable_seqscan = off"

ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)


class DatabaseBusy(TimeoutError):
    """All connections were in use for too long."""


class DatabaseFull(DatabaseBusy):
    """The server has no connection left for us."""


class BarePool:
    """Up to `size` connections, opened when first needed and kept."""

    def __init__(self, address: Address, terms: Terms, size: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._made_with = address, terms, size, wait_seconds
        self._address = address
        self._terms = terms
        self._arguments = {
            **terms.arguments(),
            "statement_cache_size": 0 if terms.is_pooled else STATEMENTS_KEPT,
            "max_cached_statement_lifetime": 0,
            "max_cacheable_statement_size": 0,  # Compiled statements may be longer than asyncpg would keep.
        }
        self._wait_seconds = wait_seconds
        self._size = size
        self._unused = asyncio.Semaphore(size)
        self._places = Places()
        self._idle: list[asyncpg.Connection] = []  # The last one was used last.
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> asyncpg.Record | None:
        """The first row of a read, which is sent once more when the connection turns out to be lost.

        Raises DatabaseUnreachable, DatabaseBusy and what PostgreSQL says of the statement.
        """
        until_s = time.monotonic() + self._wait_seconds
        await self._take_turn()
        try:
            try:
                return await self._fetch(sql, values, until_s)
            except DatabaseUnreachable:
                self._forget_idle()  # A server that restarted has ended them all.
                return await self._fetch(sql, values, until_s)
        finally:
            self._unused.release()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection in one transaction: committed at the end, rolled back by any exception.

        Raises DatabaseUnreachable, DatabaseBusy and what PostgreSQL says of a statement. Nobody knows whether a
        transaction was committed whose connection was lost at COMMIT.
        """
        until_s = time.monotonic() + self._wait_seconds
        await self._take_turn()
        try:
            connection = await self._begun(until_s)
            try:
                yield connection
                await connection.execute("COMMIT")
            except BaseException as error:
                if not await self._roll_back(connection, error):
                    raise DatabaseUnreachable("The connection was lost.") from error
                raise
            self._put_back(connection)
        finally:
            self._unused.release()

    def another(self) -> "BarePool":
        """A pool like this one, without its connections."""
        return BarePool(*self._made_with)

    async def close(self) -> None:
        """Close what is idle now, and the rest when it comes back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            self._end(connection)
        await asyncio.gather(*self._ending)

    async def _take_turn(self) -> None:
        if not self._unused.locked():
            await self._unused.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._unused.acquire()
        except TimeoutError as reason:
            raise DatabaseBusy("All connections are in use.") from reason

    async def _opened(self, until_s: float) -> asyncpg.Connection:
        """A new connection; or, on a server that is full, whichever is there first. Raises DatabaseFull."""
        while True:
            is_last = time.monotonic() >= until_s
            if is_last or not self._places.is_full:
                try:
                    return await self.open()
                except DatabaseFull:
                    if is_last:
                        raise
                    self._places.met_full()
            await asyncio.sleep(LOOK_S)
            connection = self._take_idle()
            if connection is not None:
                return connection

    def trim(self) -> None:
        """Give back to the server what was not needed since the last time."""
        in_use = self._size - self._unused._value
        for _ in range(self._places.unneeded(len(self._idle), len(self._idle) + in_use)):
            self._end(self._idle.pop(0))

    async def _fetch(self, sql: str, values: Sequence[Any], until_s: float) -> asyncpg.Record | None:
        connection = self._take_idle() or await self._opened(until_s)
        try:
            row = await self._row(connection, sql, values)
        except asyncio.CancelledError:
            self._end(connection)
            raise
        except ERRORS as error:
            if not _is_lost(connection, error):
                self._put_back(connection)
                raise
            connection.terminate()
            raise DatabaseUnreachable("The connection was lost.") from error
        except BaseException:
            connection.terminate()
            raise
        self._put_back(connection)
        return row

    async def _row(self, connection: asyncpg.Connection, sql: str, values: Sequence[Any]) -> asyncpg.Record | None:
        """The first row of a read; behind a pool in a transaction, as its statement would be looked for elsewhere."""
        if not self._terms.is_pooled:
            return await connection.fetchrow(sql, *values)
        await connection.execute(self._terms.begin())
        try:
            return await connection.fetchrow(sql, *values)
        finally:
            if not connection.is_closed():
                await connection.execute("COMMIT")

    async def _begun(self, until_s: float) -> asyncpg.Connection:
        """A connection in a new transaction, another one where the first turns out to be lost."""
        for connection in (self._take_idle(), None):
            begun = connection or await self._opened(until_s)
            try:
                await begun.execute(f"{self._terms.begin()}; {SUITED}")
                return begun
            except ERRORS as error:
                begun.terminate()
                if not _is_lost(begun, error):
                    raise
            except BaseException:
                begun.terminate()
                raise
            self._forget_idle()
        raise DatabaseUnreachable("The connection was lost.")

    async def _roll_back(self, connection: asyncpg.Connection, error: BaseException) -> bool:
        """Undo a transaction; False where its connection was lost, which undoes it too."""
        if not isinstance(error, Exception):
            connection.terminate()
            return True
        try:
            await connection.execute("ROLLBACK", timeout=self._wait_seconds)
        except ERRORS:
            connection.terminate()
            return False
        self._put_back(connection)
        return True

    def _take_idle(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed() and not self._address.is_wrong(connection):
                self._places.left(len(self._idle))
                return connection
            connection.terminate()
        return None

    async def open(self) -> asyncpg.Connection:
        """A connection beside the pool, which has proven whom it acts as; whoever asks ends it.

        Raises DatabaseUnreachable.
        """
        try:
            connection = await self._address.connect(**self._arguments)
            await self._terms.prove(connection)
            return connection
        except DatabaseUnreachable:
            raise
        except ERRORS as error:
            if is_full(error):
                raise DatabaseFull(f"The database has no connection left: {error}") from error
            raise pool_unsaid(error) or DatabaseUnreachable(f"The database does not let us in: {error}") from error

    def _put_back(self, connection: asyncpg.Connection) -> None:
        if self._is_closed:
            connection.terminate()
        else:
            self._idle.append(connection)

    def _end(self, connection: asyncpg.Connection) -> None:
        """Close a connection in the background, after asyncpg has asked the server to stop what runs on it."""
        task = asyncio.create_task(_closed(connection, self._wait_seconds))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()


async def _closed(connection: asyncpg.Connection, wait_seconds: float) -> None:
    try:
        await connection.close(timeout=wait_seconds)
    except ERRORS:
        connection.terminate()  # It was ended already, or does not answer.


def _is_lost(connection: asyncpg.Connection, error: Exception) -> bool:
    """Whether nothing more can come over a connection.

    After FATAL the server closes it. Where that came between two reads, asyncpg is out of step: InternalClientError.
    """
    fatal = getattr(error, "severity_en", None) in ("FATAL", "PANIC")
    return fatal or connection.is_closed() or isinstance(error, LOST)
