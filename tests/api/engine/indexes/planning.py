"""How PostgreSQL would look for rows in tall tables: a database that tells its planner of many, and plans in it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import Executable, Table, make_url
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from tests.api.engine.indexes import tall
from tests.api.engine.indexes.tall import Scan
from tests.conftest import Server


def key(number: int) -> UUID:
    """The id of row `number` of any table."""
    return UUID(f"01980000-0000-7000-8000-{number:012x}")


@asynccontextmanager
async def a_planner(server: Server, rows: int, tables: Sequence[Table]) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of its own in which some tables hold so many rows, and seem to hold a million."""
    url = await server.create_database()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        pytest.skip("only a superuser may tell the planner of more rows than there are")
    await tall.grow(connection, rows, tables)
    yield connection
    await connection.close()
    await server.drop_database(url)


async def scans(planner: asyncpg.Connection, statement: Executable, given: Mapping[str, Any]) -> list[Scan]:
    """How the tables of a statement are read."""
    postgresql = dialect.dialect()  # type: ignore[no-untyped-call]
    compiled: Any = statement.compile(dialect=postgresql, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    values = [(compiled.params | given)[parameter] for parameter in compiled.positiontup or ()]
    text = await planner.fetchval(f"EXPLAIN (FORMAT JSON) {compiled}", *values)
    return list(tall.scans(orjson.loads(text)[0]["Plan"]))
