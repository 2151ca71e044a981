"""Connections of a process: short reads, and transactions that record."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.util.concurrency import greenlet_spawn

from api.resources import failed
from api.resources.bare_pool import WAIT_SECONDS, BarePool
from api.resources.connecting import addresses
from api.resources.connecting.waiting import FREE, SCARCE, TRIM_S, PatientPool
from api.resources.shares import Reader, Turns
from api.resources.terms import UNNAMED, DatabaseUnreachable, PooledDialect, Terms, WrongConnection
from api.transport.terms.errors import reason_of
from api.transport.terms.writing import Writing
from domain.events import ends
from domain.kernel import tables as _all_tables  # noqa: F401 (foreign keys name tables of other contexts)
from domain.kernel.sql import Transaction

logger = logging.getLogger("commonwatt.database")


class Database:
    """The connections of one process, with the ways to use them."""

    def __init__(self, engine: AsyncEngine, bare: BarePool, heavy: int = 1) -> None:
        self.engine = engine
        self.bare = bare
        self.turns = Turns(heavy)
        self.writing = Writing()
        self._trimming: asyncio.Task[None] | None = None
        # Reads need no BEGIN and ROLLBACK: one statement is its own snapshot (performance.md: a quarter of its cost).
        # Behind a pool they do.
        self.is_pooled = isinstance(engine.dialect, PooledDialect)
        self.reader = engine if self.is_pooled else engine.execution_options(isolation_level="AUTOCOMMIT")
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one or a few reads."""
        async with self.reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back by any exception."""
        async with self.sessions.begin() as session:
            yield session
        failed.tell(ends.told(session.info))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session whose reads all see one instant. It writes nothing."""
        async with self.sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> asyncpg.Record | None:
        """The first row of a read whose SQL is ready, with values as asyncpg takes them; for the compiled path.

        It is one statement in no transaction, and is sent again when its connection was lost: never write with it.
        """
        return await self.bare.fetch(sql, values)

    @asynccontextmanager
    async def bare_transaction(self) -> AsyncIterator[Transaction]:
        """A transaction for `domain.kernel.sql` only: without the cost of a session, on the connections of `fetch`."""
        async with self.bare.transaction() as connection:
            yield connection

    def share_of(self, caller: str) -> "Share":
        """What a caller's heavy operation may use of it."""
        return Share(self, caller)

    async def prove(self) -> None:
        """Before anything is served: whether connections are what they have to be. Raises WrongConnection.

        A database that cannot be reached yet is waited for, as ever: each connection is proven when it is made.
        From then on the pools give back what they do not need, where others wait for it.
        """
        self._trimming = asyncio.create_task(self._trim())
        try:
            await self.bare.fetch("SELECT 1")
            async with self.reading() as connection:
                await connection.execute(text("SELECT 1"))
        except WrongConnection:
            raise
        except (DatabaseUnreachable, OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
            logger.warning("the database cannot be used yet: %s", reason_of(error))

    async def _trim(self) -> None:
        """Where connections are scarce only: a process of the server that has served large reads has its memory,
        and answers the next ones up to four times as quickly as a new one.
        """
        while True:
            await asyncio.sleep(TRIM_S)
            if not await self._is_scarce():
                continue
            self.bare.trim()
            pool = self.engine.pool
            assert isinstance(pool, PatientPool)
            with contextlib.suppress(OSError, SQLAlchemyError):
                await greenlet_spawn(pool.trim)

    async def _is_scarce(self) -> bool:
        """Whether the server has hardly a connection left for others."""
        if self.is_pooled:
            return False
        try:
            row = await self.bare.fetch(FREE)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return row is not None and row[0] < SCARCE

    async def renew(self) -> None:
        """Leave the connections there are, each when it is given back."""
        left, self.bare = self.bare, self.bare.another()
        await self.engine.dispose()
        await left.close()

    async def close(self) -> None:
        """Give all connections back to the server."""
        if self._trimming is not None:
            self._trimming.cancel()
        await self.engine.dispose()
        await self.bare.close()


class Share(Database):
    """The database as a caller's heavy operation uses it: each way waits for a turn, see `shares`."""

    def __init__(self, whole: Database, caller: str) -> None:
        super().__init__(whole.engine, whole.bare)
        self.turns = whole.turns
        self.writing = whole.writing
        self._reader = Reader(caller)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn(), super().reading() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._turn(), super().transaction() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        async with self._turn(), super().snapshot() as session:
            yield session

    @asynccontextmanager
    async def bare_transaction(self) -> AsyncIterator[Transaction]:
        async with self._turn(), super().bare_transaction() as connection:
            yield connection

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> asyncpg.Record | None:
        async with self._turn():
            return await super().fetch(sql, values)

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self.turns.turn(self._reader)


def connect(
    url: str,
    *,
    role: str | None,
    pool: int = 10,
    statement_seconds: float | None = 10.0,
    heavy: int = 1,
    pooled: bool = False,
    read_only: bool = False,
    wait_s: float = WAIT_SECONDS,
) -> Database:
    """A database whose connections act as `role`, which each proves, and stop statements that run too long.

    There are at most `pool` for SQLAlchemy and as many for `fetch`; heavy operations use at most `heavy` of them.
    `pooled` says that the address leads to a pool in transaction mode; see `terms`. `read_only`: nothing is written.
    """
    # Instants and doubles as the compiled reads write them (`api.engine.emitters`), whatever the server's defaults are.
    settings = {"application_name": "commonwatt", "timezone": "UTC", "datestyle": "ISO", "extra_float_digits": "1"}
    if read_only:
        settings["transaction_read_only" if pooled else "default_transaction_read_only"] = "on"
    if statement_seconds is not None:
        settings["statement_timeout"] = str(int(statement_seconds * 1_000))
    terms = Terms(role, settings, pooled)
    address = addresses.read(url)
    if read_only:
        address = address.for_reading()
    engine = addresses.engine(
        address,
        "pooled" if pooled else "asyncpg",
        pool_size=pool,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_pre_ping=True,
        pool_use_lifo=True,  # What is not needed stays idle, and can be given back.
        poolclass=PatientPool,
        hide_parameters=True,  # Exceptions are logged, and values may be readings or secrets.
        connect_args={**terms.arguments(), **(UNNAMED if pooled else {})},
    )
    terms.govern(engine)
    # Compiling pays for reports only. Ready statements name their page sizes, so that one plan is good for all values,
    # and planning again for each would cost more than most of them take.
    # A page is read from few places and from memory: pages of a table cost as much in any order, and walking another
    # index to have them in order does not pay.
    ready = terms.with_settings({"jit": "off", "plan_cache_mode": "force_generic_plan", "random_page_cost": "1.1"})
    return Database(engine, BarePool(address, ready, pool, wait_s), heavy)
