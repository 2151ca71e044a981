"""What PostgreSQL refuses is told by its code, whichever driver it came through, and never as a fault of ours."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.resources.database import Database, connect
from api.resources.failures import KNOWN, STATES, is_outage
from api.transport.terms.errors import known_of, reason_of, refused

# The codes of https://www.postgresql.org/docs/15/errcodes-appendix.html that are about the server and not about us.
OUTAGES = {
    "08": ["000", "006", "P01"],
    "25": ["006", "P03"],
    "28": ["000", "P01"],
    "3D": ["000"],
    "40": ["001", "P01"],
    "42": ["501"],
    "53": ["000", "100", "200", "300", "400"],
    "55": ["006", "P03"],
    "57": ["P01", "P02", "P03", "P04", "P05"],
    "58": ["000", "030", "P01"],
    "F0": ["000"],
    "XX": ["001", "002"],
}
Way = Callable[[Database, str], Awaitable[None]]
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'cannot' USING ERRCODE = '{}', DETAIL = 'Ada 4711'; END $$"


@pytest.fixture(scope="module")
async def connected(database_url: str) -> AsyncIterator[Database]:
    database = connect(database_url, role="commonwatt_app", pool=2)
    yield database
    await database.close()


async def through_sqlalchemy(database: Database, sql: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(sql))


async def through_asyncpg(database: Database, sql: str) -> None:
    await database.fetch(sql)


async def in_a_bare_transaction(database: Database, sql: str) -> None:
    async with database.bare_transaction() as transaction:
        assert isinstance(transaction, asyncpg.Connection)
        await transaction.execute(sql)


@pytest.mark.parametrize("way", [through_sqlalchemy, through_asyncpg, in_a_bare_transaction])
async def test_what_a_server_cannot_do_is_unavailable_and_its_reason_is_logged(
    connected: Database, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    for state in (group + rest for group, states in OUTAGES.items() for rest in states):
        caplog.clear()
        with pytest.raises((DBAPIError, asyncpg.PostgresError, OSError)) as caught:
            await way(connected, RAISE.format(state))

        assert refused(caught.value, KNOWN).code == "UNAVAILABLE", state
        assert is_outage(caught.value)
        assert caplog.messages == [f"Unavailable: {state}: cannot"]  # And not the detail, which has values.


@pytest.mark.parametrize("way", [through_sqlalchemy, through_asyncpg, in_a_bare_transaction])
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT 1/0", "INTERNAL"),
        (RAISE.format("23505"), "INTERNAL"),
        (RAISE.format("57014"), "DEADLINE_EXCEEDED"),
        ("SELECT * FROM nowhere", "INTERNAL"),
        ("CREATE TABLE public.of_nobody (id int)", "UNAVAILABLE"),  # A right that is missing.
    ],
)
async def test_a_fault_of_ours_stays_one(connected: Database, way: Way, sql: str, code: str) -> None:
    with pytest.raises((DBAPIError, asyncpg.PostgresError)) as caught:
        await way(connected, sql)

    assert refused(caught.value, KNOWN).code == code


def test_each_code_of_the_table_is_known_by_its_longest_beginning() -> None:
    assert known_of(asyncpg.DiskFullError("x"), KNOWN) == STATES["53100"]
    assert known_of(asyncpg.OutOfMemoryError("x"), KNOWN) == STATES["53"]
    assert all(re.fullmatch(r"[0-9A-Z]{2,5}", str(state)) for state in STATES)


async def test_who_may_not_log_in_is_told_that_the_database_is_away(database_url: str) -> None:
    for wrong in (
        database_url.replace("user=commonwatt", "user=nobody_of_that_name"),
        database_url.replace("/commonwatt_test", "/no_database"),
    ):
        database = connect(wrong, role=None, pool=1)
        for attempt in (through_asyncpg, through_sqlalchemy):
            with pytest.raises((OSError, DBAPIError)) as caught:
                await attempt(database, "SELECT 1")
            assert refused(caught.value, KNOWN).code == "UNAVAILABLE"
            assert re.match(r"(28000|3D000): ", reason_of(caught.value))
        await database.close()
