"""On a server with fewer connections than are wanted all are served in turn, and nobody keeps what it needs not."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.util.concurrency import greenlet_spawn

from api.resources.connecting.waiting import FREE, PatientPool
from api.resources.database import Database, connect
from api.resources.failures import KNOWN, RAISED
from api.transport.terms.errors import refused
from bin.devstack.beside import execute

LIMIT = 7  # Of a login. Three processes want eight each.
PROCESSES, POOL, CLIENTS, TURNS = 3, 4, 32, 4
FEW = f"few_{os.getpid()}"
COUNT = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{FEW}'"
CLOSED_S_MAX = 5.0


@pytest.fixture
async def few(fresh_database: str) -> AsyncIterator[str]:
    """The address of a login that may have few connections."""
    await execute(fresh_database, f"CREATE ROLE {FEW} LOGIN CONNECTION LIMIT {LIMIT}", f"GRANT commonwatt_app TO {FEW}")
    yield fresh_database.replace("user=commonwatt", f"user={FEW}")
    await execute(
        fresh_database,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{FEW}'",
        f"DROP ROLE {FEW}",
    )


def processes(address: str, number: int, wait_s: float = 5.0) -> list[Database]:
    return [connect(address, role="commonwatt_app", pool=POOL, wait_s=wait_s) for _ in range(number)]


async def used(database: Database) -> None:
    """As a request uses it: a read, an act, a read by way of SQLAlchemy."""
    await database.fetch("SELECT pg_sleep(0.005)")
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_sleep(0.005)"))
    async with database.bare_transaction():
        pass
    async with database.reading() as connection:
        await connection.execute(text("SELECT 1"))


async def client(database: Database) -> None:
    for _ in range(TURNS):
        await used(database)


async def connections(url: str) -> int:
    owner = connect(url, role=None, pool=1)
    row = await owner.fetch(COUNT)
    await owner.close()
    assert row is not None
    return int(row[0])


async def test_many_clients_of_several_processes_share_few_connections_without_an_error(
    few: str, fresh_database: str
) -> None:
    opened = processes(few, PROCESSES)
    for database in opened:
        await database.prove()

    working = asyncio.gather(*(client(opened[number % PROCESSES]) for number in range(CLIENTS)))
    await asyncio.sleep(0.1)
    assert PROCESSES * 2 <= await connections(fresh_database) <= LIMIT
    await working

    await asyncio.gather(*(database.close() for database in opened))


async def test_a_process_has_as_many_as_the_formula_says_and_gives_back_what_it_does_not_need(
    fresh_database: str,
) -> None:
    of_login = f"ALTER ROLE {FEW} CONNECTION LIMIT -1"
    await execute(fresh_database, f"CREATE ROLE {FEW} LOGIN", f"GRANT commonwatt_app TO {FEW}", of_login)
    (database,) = processes(fresh_database.replace("user=commonwatt", f"user={FEW}"), 1)

    await asyncio.gather(*(client(database) for _ in range(CLIENTS)))
    assert await connections(fresh_database) == 2 * POOL

    for _ in range(2):  # What was used since the last time is kept.
        await used(database)
        await trimmed(database)
    await until(fresh_database, 2)
    await used(database)

    await database.close()
    await until(fresh_database, 0)
    await execute(fresh_database, f"DROP ROLE {FEW}")


async def test_who_finds_no_place_is_told_late_and_who_has_one_goes_on(few: str) -> None:
    holder, late = processes(few, 1) + processes(few, 1, wait_s=0.3)
    await asyncio.gather(*(client(holder) for _ in range(CLIENTS)))  # It has all that there are but for none.
    begun_s = time.monotonic()

    for attempt in (late.fetch("SELECT 1"), read(late)):
        with pytest.raises(RAISED) as caught:
            await attempt
        assert refused(caught.value, KNOWN).code == "UNAVAILABLE"

    assert 0.6 <= time.monotonic() - begun_s < 3
    await used(holder)
    await trimmed(holder)
    await trimmed(holder)
    await asyncio.sleep(0.2)
    await used(late)
    await asyncio.gather(holder.close(), late.close())


async def test_it_is_known_how_many_are_left_of_the_server_and_of_the_login(few: str, fresh_database: str) -> None:
    (held,) = processes(few, 1)
    row = await held.fetch(FREE)
    assert row is not None
    assert row[0] == LIMIT - 1

    owner = connect(fresh_database, role=None, pool=1)
    row = await owner.fetch(FREE)
    assert row is not None
    assert LIMIT < row[0] < 200
    await asyncio.gather(held.close(), owner.close())


async def read(database: Database) -> Any:
    async with database.reading() as connection:
        return (await connection.execute(text("SELECT 1"))).scalar_one()


async def trimmed(database: Database) -> None:
    assert isinstance(database.engine.pool, PatientPool)
    database.bare.trim()
    await greenlet_spawn(database.engine.pool.trim)


async def until(url: str, number: int) -> None:
    """The server has seen the others go."""
    async with asyncio.timeout(CLOSED_S_MAX):
        while await connections(url) != number:
            await asyncio.sleep(0.02)
