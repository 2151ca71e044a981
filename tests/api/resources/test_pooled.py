"""Behind a pool in transaction mode all goes as it does without one, or nothing is served and the reason told."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import pytest
from sqlalchemy import select, text

from api.resources.database import Database, connect
from api.resources.failures import KNOWN
from api.resources.terms import Terms, WrongConnection
from api.transport.terms.errors import ErrorCode, refused
from bin.devstack.beside import execute
from domain.identity.tables import User
from tests.api.resources.pooler import Pooler, pooled
from tests.factories.identity import a_user

ROLE = "commonwatt_app"
SET = "SELECT current_user::text, current_setting('statement_timeout'), current_setting('TimeZone')"


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pooler]:
    async with pooled(fresh_database) as pooler:
        yield pooler


@pytest.fixture
async def behind(pool: Pooler) -> AsyncIterator[Database]:
    """A database that is told of the pool before it."""
    database = connect(pool.url, role=ROLE, pool=8, statement_seconds=2.0, pooled=True)
    yield database
    await database.close()


async def test_every_transaction_acts_as_the_role_and_within_its_limits(behind: Database) -> None:
    async def by_read() -> tuple[object, ...]:
        async with behind.reading() as connection:
            return tuple((await connection.execute(text(SET))).one())

    async def by_fetch() -> tuple[object, ...]:
        row = await behind.fetch(SET)
        assert row is not None
        return tuple(row)

    async def by_transaction() -> tuple[object, ...]:
        async with behind.transaction() as session:
            return tuple((await session.execute(text(SET))).one())

    async def by_bare_transaction() -> tuple[object, ...]:
        async with behind.bare_transaction() as transaction:
            row = await cast(asyncpg.Connection, transaction).fetchrow(SET)
            assert row is not None
            return tuple(row)

    ways = (by_read, by_fetch, by_transaction, by_bare_transaction)
    found = await asyncio.gather(*(way() for _ in range(12) for way in ways))

    assert set(found) == {(ROLE, "2s", "UTC")}


async def test_what_is_written_is_read_again(behind: Database) -> None:
    async def write(number: int) -> None:
        async with behind.transaction() as session:
            user = await a_user(session, name=f"Ada {number}")
        async with behind.snapshot() as session:
            assert (await session.get_one(User, user.id)).name == f"Ada {number}"

    await asyncio.gather(*(write(number) for number in range(20)))

    async with behind.reading() as connection:
        assert len((await connection.execute(select(User.id))).all()) == 20


async def test_nothing_of_a_failed_statement_is_left_behind(behind: Database) -> None:
    with pytest.raises(asyncpg.QueryCanceledError):
        await behind.fetch("SELECT pg_sleep(10)")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await behind.fetch("SELECT 1 / 0")

    rows = await asyncio.gather(*(behind.fetch("SELECT $1::int", (number,)) for number in range(12)))

    assert [row and row[0] for row in rows] == list(range(12))


async def test_a_pool_that_nobody_told_of_is_refused_with_the_reason(pool: Pooler) -> None:
    database = connect(pool.url, role=ROLE, pool=2)

    with pytest.raises(WrongConnection, match="COMMONWATT_DATABASE_POOLED=true"):
        await database.prove()
    with pytest.raises(WrongConnection):
        async with database.reading():
            pass
    await database.close()


async def test_a_server_itself_is_taken_also_by_the_way_for_pools(fresh_database: str) -> None:
    for pooled_ in (True, False):
        database = connect(fresh_database, role=ROLE, pool=2, pooled=pooled_)
        await database.prove()
        row = await database.fetch("SELECT current_user::text")
        assert row is not None
        assert row[0] == ROLE
        await database.close()


async def test_a_connection_that_acts_as_somebody_else_serves_nothing(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where something between us and the server drops the role from the start-up message."""
    monkeypatch.setattr(Terms, "arguments", lambda self: {"server_settings": {}})
    database = connect(fresh_database, role=ROLE, pool=2)

    with pytest.raises(WrongConnection, match=f"not as {ROLE}") as by_fetch:
        await database.fetch("SELECT 1")
    with pytest.raises(WrongConnection, match=f"not as {ROLE}"):
        async with database.reading():
            pass
    await database.close()

    assert refused(by_fetch.value, KNOWN).code is ErrorCode.UNAVAILABLE


async def test_a_database_that_is_not_there_yet_is_waited_for(fresh_database: str) -> None:
    name = fresh_database.partition("?")[0].rpartition("/")[2]
    database = connect(fresh_database, role=ROLE, pool=2)
    await execute(fresh_database.replace(name, "postgres", 1), f'DROP DATABASE "{name}" WITH (FORCE)')

    await database.prove()

    await database.close()
