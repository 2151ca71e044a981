"""A process goes by the database's clock, whatever its machine's shows, and says when the two differ."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from api.resources import clock
from api.resources.database import Database, connect
from api.transport.terms.instants import SECOND_NS, SHARED
from domain.kernel.database import Ids, new_id

SKEWS_S = (-3_600, -600, 600, 3_660)
CLOSE = timedelta(milliseconds=200)  # The machine may be busy.


@pytest.fixture
async def database(fresh_database: str) -> AsyncIterator[Database]:
    database = connect(fresh_database, role="commonwatt_app", pool=2)
    yield database
    await database.close()


@pytest.fixture(params=SKEWS_S)
def skew_s(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A process that begins on a machine whose clock is wrong."""
    skew_s: int = request.param
    monkeypatch.setattr(SHARED, "is_measured", False)
    monkeypatch.setattr(SHARED, "machine_ns", lambda: time.time_ns() + skew_s * SECOND_NS)
    return skew_s


async def shown(database: Database) -> datetime:
    async with database.reading() as connection:
        at: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return at


@pytest.mark.parametrize("way", ["fetch", "reading", "transaction"])
async def test_the_first_connection_tells_the_time(database: Database, skew_s: int, way: str) -> None:
    assert abs(clock.now() - datetime.now(UTC) - timedelta(seconds=skew_s)) < CLOSE

    if way == "fetch":
        await database.fetch("SELECT 1")
    elif way == "reading":
        await shown(database)
    else:
        async with database.transaction() as session:
            await session.execute(select(1))

    assert abs(clock.now() - await shown(database)) < CLOSE
    assert abs(clock.ahead_s() - skew_s) < CLOSE.total_seconds()


async def test_ids_of_a_process_whose_clock_is_wrong_follow_those_of_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for skew_s in (*SKEWS_S, 0):
        monkeypatch.setattr(SHARED, "is_measured", False)
        monkeypatch.setattr(SHARED, "machine_ns", lambda skew_s=skew_s: time.time_ns() + skew_s * SECOND_NS)
        monkeypatch.setattr(Ids, "last", 0)
        await clock.measure(database.fetch)
        made.append(new_id())
        await database.fetch("SELECT pg_sleep(0.01)")  # A commit.

    assert made == sorted(made)


@pytest.mark.parametrize(("apart_s", "is_ready"), [(-2.5, False), (-1.5, True), (1.5, True), (2.5, False)])
async def test_a_process_is_ready_up_to_two_seconds_from_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch, apart_s: float, is_ready: bool
) -> None:
    monkeypatch.setattr(SHARED, "machine_ns", lambda: time.time_ns() + int(apart_s * SECOND_NS))
    await clock.measure(database.fetch)

    with suppress(clock.ClocksDiffer) if is_ready else pytest.raises(clock.ClocksDiffer, match="from the database's"):
        await clock.check()
        assert is_ready


async def test_a_process_is_not_ready_before_it_knows_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SHARED, "is_measured", False)

    with pytest.raises(clock.ClocksDiffer, match="not known"):
        await clock.check()


async def test_a_difference_is_warned_of_once_a_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, skew_s: int
) -> None:
    monkeypatch.setattr(clock, "MEASURE_S", 0.01)

    with caplog.at_level(logging.WARNING, "commonwatt.clock"):
        comparing = asyncio.create_task(clock.keep(database.fetch))
        await asyncio.sleep(0.2)
        comparing.cancel()

    warned = [record.getMessage() for record in caplog.records if record.name == "commonwatt.clock"]
    assert warned == [f"this machine's clock is {clock.ahead_s():+.0f} s from the database's, which all goes by"]


async def test_comparing_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MEASURE_S", 0.01)
    asked = 0

    async def fetch(sql: str) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionError

    comparing = asyncio.create_task(clock.keep(fetch))
    async with asyncio.timeout(5):
        while asked < 3:
            await asyncio.sleep(0.01)

    assert not comparing.done()
    comparing.cancel()
