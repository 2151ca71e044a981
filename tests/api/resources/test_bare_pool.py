"""Reads on bare connections: as the engine's, faster, and through every way in which connections end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from api.resources.bare_pool import BarePool, DatabaseBusy
from api.resources.connecting import addresses
from api.resources.database import Database, connect
from api.resources.failures import KNOWN
from api.resources.terms import DatabaseUnreachable, Terms
from api.transport.terms.errors import refused
from bin.devstack.beside import execute

POOL = 3
PLAIN = Terms(None, {}, is_pooled=False)
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
SETTINGS = ("role", "TimeZone", "statement_timeout", "application_name")


@pytest.fixture
async def database(fresh_database: str) -> AsyncIterator[Database]:
    database = connect(fresh_database, role="commonwatt_app", pool=POOL, statement_seconds=1.0)
    yield database
    await database.close()


async def value(database: Database, sql: str, *values: Any) -> Any:
    row = await database.fetch(sql, values)
    return row and row[0]


async def backends(database: Database) -> int:
    """How many connections other than SQLAlchemy's there are."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    async with database.reading() as connection:
        return int((await connection.execute(query)).scalar_one())


async def end_all_connections(url: str) -> None:
    await execute(url, END_ALL.format(url.partition("?")[0].rpartition("/")[2]))


async def test_one_row_or_none_is_fetched(database: Database) -> None:
    row = await database.fetch("SELECT $1::int AS number, $2::text[] AS words", (7, ["a", "b"]))

    assert row is not None
    assert dict(row) == {"number": 7, "words": ["a", "b"]}
    assert await database.fetch("SELECT 1 WHERE false") is None


async def test_bare_connections_have_the_settings_of_the_engine(database: Database) -> None:
    for name in SETTINGS:
        async with database.reading() as connection:
            of_engine = (await connection.execute(text(f"SHOW {name}"))).scalar_one()
        assert await value(database, f"SHOW {name}") == of_engine
    assert await value(database, "SHOW jit") == "off"


async def test_what_was_committed_a_moment_ago_is_read(database: Database) -> None:
    count = "SELECT count(*) FROM community WHERE name = 'Rue des Pins'"
    assert await value(database, count) == 0

    insert = text(
        "INSERT INTO community (id, name, framework_code, kind, country, timezone) "
        "VALUES (gen_random_uuid(), 'Rue des Pins', 'LU_SHARING', 'LANE', 'LU', 'Europe/Luxembourg')"
    )
    async with database.transaction() as session:
        await session.execute(insert)

    assert await value(database, count) == 1


async def test_connections_are_opened_when_needed_kept_and_never_more_than_the_pool(database: Database) -> None:
    await value(database, "SELECT 1")
    assert await backends(database) == 1

    answers = await asyncio.gather(*(value(database, "SELECT $1::int FROM pg_sleep(0.01)", n) for n in range(20)))

    assert answers == list(range(20))
    assert await backends(database) == POOL


async def test_closing_the_database_closes_them(database: Database, fresh_database: str) -> None:
    late = asyncio.create_task(value(database, "SELECT 7 FROM pg_sleep(0.1)"))
    await value(database, "SELECT 1")
    await database.close()
    assert await late == 7

    other = connect(fresh_database, role=None, pool=1)
    async with asyncio.timeout(5):
        while await backends(other):
            await asyncio.sleep(0.01)
    await other.close()


async def test_ended_connections_are_replaced_without_an_error(database: Database, fresh_database: str) -> None:
    for _ in range(3):
        await asyncio.gather(*(value(database, "SELECT pg_sleep(0.01)") for _ in range(POOL)))
        assert await backends(database) == POOL

        await end_all_connections(fresh_database)

        # At once, before the event loop could notice; then again by all at the same time.
        assert await value(database, "SELECT 1") == 1
        assert await asyncio.gather(*(value(database, "SELECT 1") for _ in range(20))) == [1] * 20


async def test_a_read_whose_connection_ends_is_sent_once_more(database: Database, fresh_database: str) -> None:
    reading = asyncio.create_task(value(database, "SELECT 7 FROM pg_sleep(0.5)"))
    await asyncio.sleep(0.1)

    await end_all_connections(fresh_database)

    assert await reading == 7


async def test_a_wrong_statement_costs_no_connection(database: Database) -> None:
    process = await value(database, "SELECT pg_backend_pid()")

    for _ in range(POOL + 1):
        with pytest.raises(asyncpg.UndefinedTableError):
            await database.fetch("SELECT * FROM nowhere")
        with pytest.raises(asyncpg.InterfaceError):
            await database.fetch("SELECT $1::int", ())

    assert await value(database, "SELECT pg_backend_pid()") == process


async def test_who_gives_up_waiting_disturbs_nobody(database: Database) -> None:
    """Cancelled reads give up their places, and all answers are of those who asked."""

    async def read(number: int) -> Any:
        async with asyncio.timeout(0.02 if number % 3 else None):
            return await value(database, "SELECT $1::int FROM pg_sleep($2)", number, 0.1 if number % 3 else 0.001)

    answers = await asyncio.gather(*(read(number) for number in range(30)), return_exceptions=True)

    assert answers[::3] == list(range(0, 30, 3))
    assert all(isinstance(answer, TimeoutError) for number, answer in enumerate(answers) if number % 3)
    assert await asyncio.gather(*(value(database, "SELECT $1::int", n) for n in range(9))) == list(range(9))
    async with asyncio.timeout(5):
        while await backends(database) > POOL:
            await asyncio.sleep(0.01)


async def test_what_nobody_waits_for_any_more_is_stopped(fresh_database: str) -> None:
    database = connect(fresh_database, role=None, pool=POOL)  # The application may not see what others run.
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'"
    async with asyncio.timeout(10):
        long = asyncio.create_task(value(database, "SELECT pg_sleep(60)"))
        while not await value(database, running):
            await asyncio.sleep(0.01)

        long.cancel()

        while await value(database, running):
            await asyncio.sleep(0.01)
    await database.close()


async def code_of(attempt: Any) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which it is, is told by the code.
        await attempt
    return str(refused(caught.value, KNOWN).code)


async def test_failures_have_the_codes_of_the_engine(database: Database) -> None:
    assert await code_of(database.fetch("SELECT pg_sleep(5)")) == "DEADLINE_EXCEEDED"
    assert await code_of(database.fetch("SELECT 1/0")) == "INTERNAL"


async def test_a_server_that_is_away_is_unavailable_until_it_is_back(fresh_database: str) -> None:
    away = connect("postgresql+asyncpg:///commonwatt?host=/nowhere&user=nobody", role=None, pool=1)
    refusing = connect("postgresql+asyncpg://nobody:x@127.0.0.1:1/commonwatt", role=None, pool=1)

    for _ in range(3):  # No attempt keeps its place in the pool.
        assert await code_of(away.fetch("SELECT 1")) == "UNAVAILABLE"
        assert await code_of(refusing.fetch("SELECT 1")) == "UNAVAILABLE"


async def test_who_waits_too_long_for_a_connection_is_told_so(fresh_database: str) -> None:
    pool = BarePool(addresses.read(fresh_database), PLAIN, size=1, wait_seconds=0.05)
    long = asyncio.create_task(pool.fetch("SELECT 7 FROM pg_sleep(0.3)"))
    await asyncio.sleep(0.01)

    with pytest.raises(DatabaseBusy) as busy:
        await pool.fetch("SELECT 1")

    assert refused(busy.value, KNOWN).code == "UNAVAILABLE"
    assert (await long)[0] == 7  # type: ignore[index]
    assert (await pool.fetch("SELECT 1"))[0] == 1  # type: ignore[index]
    await pool.close()


async def test_a_connection_lost_twice_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: Any) -> None:
        raise DatabaseUnreachable("gone")

    monkeypatch.setattr(database.bare, "_fetch", lost)

    assert await code_of(database.fetch("SELECT 1")) == "UNAVAILABLE"
