"""What a connection is set to and whom it acts as, and the proof that it does.

A connection of our own is set once: role and settings travel in its start-up message. Behind a pool in transaction
mode (PgBouncer) each transaction may run on another connection of the server, and what a session is set to is lost,
ignored or somebody else's. There everything is said anew in each transaction, all statements run in one, and none is
prepared under a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from api.transport.terms import instants
from domain.kernel.database import Ids

Ids.at_ns = instants.SHARED.at_ns
POOL_UNSAID = (
    "DATABASE_URL leads to a pool such as PgBouncer, which forgets between transactions whom a connection acts as: set "
    "COMMONWATT_DATABASE_POOLED=true, or name the server itself."
)


class DatabaseUnreachable(ConnectionError):
    """No connection can be had, or the second one in a row was lost."""


class WrongConnection(DatabaseUnreachable):
    """A connection can be had, and is not what it has to be: nothing is served over it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What connections of a process are set to."""

    role: str | None
    settings: Mapping[str, str]
    is_pooled: bool

    def with_settings(self, more: Mapping[str, str]) -> "Terms":
        return replace(self, settings={**self.settings, **more})

    def arguments(self) -> dict[str, Any]:
        """What the driver connects with."""
        if self.is_pooled:
            return {"server_settings": {"application_name": self.settings["application_name"]}}
        role = {"role": self.role} if self.role else {}
        return {"server_settings": {**self.settings, **role}}

    def local(self) -> str:
        """The statement that sets a transaction; without effect on a connection that is set already."""
        named = {**self.settings, **({"role": self.role} if self.role else {})}
        return "SELECT " + ", ".join(f"set_config({_quoted(name)}, {_quoted(to)}, true)" for name, to in named.items())

    def begin(self) -> str:
        """The statements that begin a transaction."""
        return f"BEGIN; {self.local()}" if self.is_pooled else "BEGIN"

    async def prove(self, connection: asyncpg.Connection) -> None:
        """Whether a new connection acts as it has to; else it is ended. Raises WrongConnection.

        It tells the database's time, too: no process does anything with the database before it knows that.
        """
        try:
            await connection.execute(self.begin())
            asked_ns = instants.uptime_ns()
            found = await connection.fetchrow(
                "SELECT current_user::text AS role, pg_backend_pid() AS process, clock_timestamp() AS at"
            )
            instants.take(asked_ns, found["at"])
            await connection.execute("COMMIT")
            if not self.is_pooled and found["process"] != connection.get_server_pid():
                raise WrongConnection(POOL_UNSAID)
            if self.role and found["role"] != self.role:
                raise WrongConnection(f"Connections act as {found['role']} and not as {self.role}; nothing is served.")
        except BaseException:
            connection.terminate()
            raise

    def govern(self, engine: AsyncEngine) -> None:
        """Let the connections of an engine be proven, and behind a pool its transactions be set."""

        @event.listens_for(engine.sync_engine, "connect")
        def prove(connection: Any, record: Any) -> None:
            connection.run_async(self.prove)

        if self.is_pooled:

            @event.listens_for(engine.sync_engine, "begin")
            def set_(connection: Any) -> None:
                connection.exec_driver_sql(self.local())


class PooledDialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect, which looks up types when it connects, in one transaction."""

    supports_statement_cache = True

    def on_connect(self) -> Any:
        """What is done with a new connection."""
        connected: Any = super().on_connect()  # type: ignore[no-untyped-call]

        def connect(connection: Any) -> None:
            connection.run_async(lambda driver: driver.execute("BEGIN"))
            connected(connection)
            connection.run_async(lambda driver: driver.execute("COMMIT"))

        return connect


registry.register("postgresql.pooled", __name__, PooledDialect.__name__)

# No statement is known by a name: the connection that knows it may serve others next.
UNNAMED: Mapping[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


def pool_unsaid(error: BaseException) -> WrongConnection | None:
    """What is wrong where a pool does not even take the start-up message."""
    said = "unsupported startup parameter" in str(error)
    return WrongConnection(POOL_UNSAID) if said else None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
