"""Transactions on bare connections: all or nothing, and no connection is left in one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from api.resources.bare_pool import DatabaseBusy
from api.resources.connecting import addresses
from api.resources.database import Database, connect
from api.resources.terms import DatabaseUnreachable

COUNT = "SELECT count(*) FROM event_stream"
INSERT = "INSERT INTO event_stream (stream, sequence) VALUES ($1, 0)"
END = """
SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE pid <> pg_backend_pid() AND datname = current_database()) AS ended
"""


@pytest.fixture
async def database(fresh_database: str) -> AsyncIterator[Database]:
    connected = connect(fresh_database, role="commonwatt_app", pool=2)
    yield connected
    await connected.close()


async def streams(database: Database) -> int:
    row = await database.fetch(COUNT)
    assert row is not None
    return int(row[0])


async def insert(database: Database, *names: str, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Insert rows in one transaction, and do something before it is committed."""
    async with database.bare.transaction() as connection:
        for name in names:
            await connection.execute(INSERT, name)
        if then is not None:
            await then()


async def test_is_committed_at_the_end_and_not_before(database: Database) -> None:
    meanwhile = []

    async def look() -> None:
        meanwhile.append(await streams(database))

    await insert(database, "one", then=look)

    assert [*meanwhile, await streams(database)] == [0, 1]


@pytest.mark.parametrize("reason", [KeyError, asyncio.CancelledError, OSError])
async def test_is_rolled_back_by_any_exception(database: Database, reason: type[BaseException]) -> None:
    async def fail() -> None:
        raise reason("the reason")

    with pytest.raises(reason, match="the reason"):
        await insert(database, "one", then=fail)

    assert await streams(database) == 0


async def test_a_refused_statement_leaves_a_connection_that_works(database: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(database, "one", "one")
    await insert(database, "one")

    assert await streams(database) == 1
    assert len(database.bare._idle) == 1


async def test_plans_are_kept_and_tables_are_scanned_outside_of_transactions_only(database: Database) -> None:
    settings = "SELECT current_setting('plan_cache_mode') || ' ' || current_setting('enable_seqscan')"

    async with database.bare.transaction() as connection:
        within = await connection.fetchval(settings)

    assert (within, await connection.fetchval(settings)) == ("force_generic_plan off", "force_generic_plan on")


async def test_a_plan_that_was_made_for_an_empty_table_uses_its_index(database: Database, fresh_database: str) -> None:
    owner = connect(fresh_database, role=None, pool=1)
    await owner.fetch("VACUUM ANALYZE event_stream")
    await owner.close()

    async with database.bare.transaction() as connection:
        plan = await connection.fetchval("EXPLAIN SELECT * FROM event_stream WHERE stream = 'one'")

    assert plan.startswith("Index Scan using pk_event_stream")


async def test_a_connection_that_was_lost_while_idle_is_replaced(database: Database, fresh_database: str) -> None:
    await insert(database, "one")
    await end_all(fresh_database)

    await insert(database, "two")

    assert await streams(database) == 2


async def test_a_connection_lost_in_a_transaction_undoes_it(database: Database, fresh_database: str) -> None:
    with pytest.raises(DatabaseUnreachable):
        await insert(database, "one", then=lambda: end_all(fresh_database))

    assert await streams(database) == 0


async def test_a_server_that_lets_nobody_in_is_unreachable(database: Database, fresh_database: str) -> None:
    database.bare._address = addresses.read("postgresql:///commonwatt?host=/nowhere&user=nobody")

    with pytest.raises(DatabaseUnreachable):
        await insert(database, "one")


async def test_transactions_wait_for_a_connection_and_not_forever(database: Database) -> None:
    database.bare._wait_seconds = 0.05
    async with database.bare.transaction(), database.bare.transaction():
        with pytest.raises(DatabaseBusy):
            await insert(database, "one")

    assert await streams(database) == 0


async def end_all(url: str) -> None:
    """End all other connections to a database, as a server that restarts does."""
    owner = connect(url, role=None, pool=1)
    await owner.fetch(END)
    await owner.close()
    await asyncio.sleep(0.05)
