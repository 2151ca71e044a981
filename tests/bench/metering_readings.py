"""Durable ingest of readings against a raw COPY of the same arrays.

A year of quarter-hours of a thousand metering points: 365,000 local days, 35 million values. Compared, both durable
(one commit each, fsync on) and both by binary COPY from the same arrays:

- bare: `COPY` into the columns alone, logged, without any index or check; the stream is the one that ours sends;
- plain: the same into a copy of the table (`LIKE reading INCLUDING ALL`), with its checks, generated column and two
  unique indexes, but without partitions; for information;
- ours: `record_days` with everything it does: points locked, digest, look-up of what is there, versions, partitions,
  two indexes, checks, audit entry.

They run in turns and ratios are of medians; the gate holds against "bare". Only ratios mean anything elsewhere.
Run: python -m tests.bench.metering_readings [--gate 0.5] [--points 1000]; exits 1 below the gate. It makes a
database of its own on the server of DATABASE_URL, as its owner, or a durable throw-away copy of the migrated cluster.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from bin.devstack import migrated, postgres
from bin.devstack.beside import execute, url_of_database
from bin.devstack.installation import ROOT, require_postgis
from bin.devstack.stack import with_asyncpg
from domain.kernel.database import new_id
from domain.kernel.tables import Base
from domain.metering import readings
from domain.metering.clocks import day_number
from domain.metering.days import DayBlock
from domain.metering.tables import Direction, Quality
from domain.metering.wire import COLUMNS, copy_stream

PLAIN, BARE = "INCLUDING ALL", "INCLUDING DEFAULTS"
DAYS, INTERVALS, ROUNDS = 365, 96, 3
FIRST_DAY = date(2025, 1, 1)
TABLE = Base.metadata.tables["metering_point"]


def a_year(points: int) -> DayBlock:
    """Withdrawals below 1 kWh a quarter-hour, day by day as files arrive; a zone without clock changes."""
    random = np.random.default_rng(2026)
    return DayBlock(
        direction=Direction.WITHDRAWN,
        quality=Quality.MEASURED,
        metering_point_ids=tuple(new_id() for _ in range(points)),
        point_index=np.tile(np.arange(points), DAYS),
        day_numbers=np.repeat(day_number(FIRST_DAY) + np.arange(DAYS), points),
        values_ukwh=random.integers(0, 1_000_000, (points * DAYS, INTERVALS)),
    )


async def raw(engine: AsyncEngine, year: DayBlock, like: str) -> float:
    """Seconds of one COPY into a new table that is like the table of readings."""
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS raw_reading"))
        await connection.execute(text(f"CREATE TABLE raw_reading (LIKE reading {like})"))
        if like == BARE:
            await connection.execute(text("ALTER TABLE raw_reading DROP COLUMN is_complete"))
    began = perf_counter()
    async with engine.begin() as connection:
        await connection.execute(text("SELECT 1"))  # Begins the transaction, as a session does.
        driver: Any = (await connection.get_raw_connection()).driver_connection
        versions = np.ones(len(year), np.int64)
        await driver.copy_to_table("raw_reading", source=_chunks(year, versions), columns=COLUMNS, format="binary")
    return perf_counter() - began


async def _chunks(year: DayBlock, versions: Any) -> AsyncIterator[bytes]:
    for chunk in copy_stream(year, versions):
        yield chunk


async def ours(engine: AsyncEngine, year: DayBlock, number: int) -> float:
    """Seconds of one import by the application's role into empty partitions."""
    async with engine.begin() as connection:
        await _empty(connection)
        rows = [
            {"id": id, "code": f"bench-{id}", "code_kind": "GENERIC", "directions": ["WITHDRAWN"], "timezone": "UTC"}
            for id in year.metering_point_ids
        ]
        await connection.execute(TABLE.insert(), rows)
        await connection.execute(text("SET LOCAL ROLE NONE"))
    began = perf_counter()
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SET LOCAL ROLE commonwatt_app"))
        recorded = await readings.record_days(session, [year], source=f"bench {number}", sender="bench")
    took = perf_counter() - began
    assert recorded.created == len(year)
    return took


async def _empty(connection: AsyncConnection) -> None:
    """Without the readings and points of the round before; the triggers that keep history are for the application."""
    await connection.execute(text("SET LOCAL session_replication_role = replica"))
    await connection.execute(text("DELETE FROM reading_import"))
    await connection.execute(text("TRUNCATE reading"))
    await connection.execute(text("DELETE FROM metering_point"))
    await connection.execute(text("SET LOCAL session_replication_role = origin"))


@contextlib.contextmanager
def a_database() -> Iterator[str]:
    """Address of a migrated, durable database that is thrown away afterwards."""
    given = os.environ.get("DATABASE_URL")
    if given:
        with _beside(with_asyncpg(given)) as url:
            yield url
        return
    installation = require_postgis()
    with migrated.socket_directory() as directory:
        data = directory / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.DURABLE, directory):
            yield migrated.url_on_socket(directory)


@contextlib.contextmanager
def _beside(server: str) -> Iterator[str]:
    name = f"commonwatt_bench_{os.getpid()}"
    asyncio.run(execute(server, f'CREATE DATABASE "{name}"'))
    try:
        url = url_of_database(server, name)
        subprocess.run(migrated.MIGRATE, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, check=True)
        yield url
    finally:
        asyncio.run(execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def compare(url: str, points: int) -> dict[str, float]:
    """Seconds of each way, median of the rounds."""
    engine = create_async_engine(url)
    year = a_year(points)
    took: dict[str, list[float]] = {"plain": [], "bare": [], "ours": []}
    for number in range(ROUNDS):
        took["plain"].append(await raw(engine, year, PLAIN))
        took["bare"].append(await raw(engine, year, BARE))
        took["ours"].append(await ours(engine, year, number))
        print(
            f"  round {number + 1}: " + ", ".join(f"{name} {all[-1]:.2f} s" for name, all in took.items()), flush=True
        )
    await engine.dispose()
    return {name: median(all) for name, all in took.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gate", type=float, default=0.5)
    parser.add_argument("--points", type=int, default=1_000)
    arguments = parser.parse_args()
    with a_database() as url:
        took = asyncio.run(compare(url, arguments.points))
    days = arguments.points * DAYS
    for name, seconds in took.items():
        speed = f"{days / seconds:9,.0f} days/s  {days * INTERVALS / seconds / 1e6:5.1f} M values/s"
        print(f"{name:6} {seconds:6.2f} s  {speed}  ratio {seconds / took['ours']:.2f}")
    return 0 if took["bare"] / took["ours"] >= arguments.gate else 1


if __name__ == "__main__":
    sys.exit(main())
