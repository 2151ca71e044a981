"""Connections of a process: short reads, and transactions that record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from domain import tables as _all_tables  # noqa: F401 (foreign keys name tables of other contexts)


class Database:
    """The engine of one process, with the two ways to use it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # Reads need no BEGIN and ROLLBACK: one statement is its own snapshot (performance.md: a quarter of its cost).
        self.reader = engine.execution_options(isolation_level="AUTOCOMMIT")
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

    async def close(self) -> None:
        """Give all connections back to the server."""
        await self.engine.dispose()


def connect(url: str, *, role: str | None, pool: int = 10, statement_seconds: float | None = 10.0) -> Database:
    """A database whose connections act as `role` and stop statements that run too long.

    The role and the limit travel in the start-up message, so that a reset of the connection keeps them.
    """
    options = {"application_name": "commonwatt", "timezone": "UTC"}
    if role:
        options["role"] = role
    if statement_seconds is not None:
        options["statement_timeout"] = str(int(statement_seconds * 1_000))
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,  # Exceptions are logged, and values may be readings or secrets.
        connect_args={"server_settings": options, "timeout": 5},
    )
    return Database(engine)
