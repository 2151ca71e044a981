"""Databases as operators have them: made by migrations of another day, with rows, and what there is to compare."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from bin.devstack.installation import ROOT, Installation

HERE = Path(__file__).parent
STORY = HERE / "1.0.0.sql"
NO_ROWS = ("alembic_version", "spatial_ref_sys", "framework")
"""Tables that are not filled: the last holds what migrations put there, which is compared."""
LATER = {"job": "kind NOT LIKE '%PAYMENT'"}
"""Which rows of a table databases of before the release had."""
# How migrations were run until 1.0.0, whatever runs them today.
ENVIRONMENT = """
import asyncio, os
from alembic import context
from geoalchemy2 import alembic_helpers  # Brings operations that migrations use.
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from domain.kernel.database import Base

def run(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        for extension in ("postgis", "btree_gist"):
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
        context.run_migrations()

async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"])
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()

asyncio.run(main())
"""
COLUMNS = """
SELECT relname AS table, array_agg(attname::text ORDER BY attnum) AS columns
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
GROUP BY relname ORDER BY relname
"""


class Step(NamedTuple):
    """Migrations in a folder, or today's for None, run on a database up to a revision."""

    scripts: Path | None
    url: str
    revision: str


def upgrade(*steps: Step) -> None:
    """Run them one after the other, in one process."""
    told = [str(word) for step in steps for word in (step.scripts or "", step.url, step.revision)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.migrations.applying", *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def scripts_of(commit: str, place: Path) -> Path | None:
    """The migrations as a commit had them; None where git does not know it, as in a shallow clone."""
    archive = subprocess.run(
        ["git", "archive", commit, "migrations/versions"], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode != 0:
        return None
    place.mkdir(parents=True)
    subprocess.run(["tar", "x", "-C", place], input=archive.stdout, check=True)
    (place / "migrations/env.py").write_text(ENVIRONMENT)
    return place / "migrations"


def git(*arguments: str) -> str:
    """What git says; nothing where it cannot."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def dumped(installation: Installation, url: str) -> str:
    """The schema with functions, triggers and rights; columns and checks of a table in the order of their names.

    Without the months of readings, which come with the readings.
    """
    command = [installation.program("pg_dump"), "--schema-only", "--exclude-table=reading_y*", of_libpq(url)]
    environment = os.environ | dict(installation.environment)
    dump = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    dump = re.sub(r"^\\(?:un)?restrict .*\n", "", dump, flags=re.MULTILINE)
    return re.sub(r"(?<= \(\n)(.*?)(?=\n\))", _sorted, dump, flags=re.DOTALL)


def _sorted(lines: re.Match[str]) -> str:
    return "\n".join(sorted(line.rstrip(",") for line in lines[1].split("\n")))


def of_libpq(url: str) -> str:
    return url.replace("postgresql+asyncpg:", "postgresql:", 1)


async def run(url: str, statements: str) -> None:
    """Run statements, many at once, and leave out triggers."""
    connection = await asyncpg.connect(of_libpq(url))
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statements)
    finally:
        await connection.close()


async def load(url: str) -> None:
    """Fill a database of release 1.0.0 with rows of that release."""
    rows = STORY.read_text()
    months = {f"{month}-01" for month in re.findall(r"'(20\d\d-\d\d)-\d\d'", rows)}
    makes = "".join(f"SELECT make_reading_partition('{month}');" for month in sorted(months))
    tables = ", ".join(set(re.findall(r"^INSERT INTO public\.(\w+)", rows, re.MULTILINE)))
    await run(url, f"{makes} TRUNCATE {tables} CASCADE; {rows}")


async def rows(url: str, table: str) -> list[Any]:
    connection = await asyncpg.connect(of_libpq(url))
    try:
        return list(await connection.fetch(f"SELECT * FROM {table}"))
    finally:
        await connection.close()


async def columns(url: str) -> dict[str, list[str]]:
    """The columns of each table that rows are compared by."""
    connection = await asyncpg.connect(of_libpq(url))
    try:
        found = {row["table"]: list(row["columns"]) for row in await connection.fetch(COLUMNS)}
    finally:
        await connection.close()
    return {table: names for table, names in found.items() if table not in NO_ROWS}


async def fill(url: str, story: str) -> Mapping[str, Sequence[str]]:
    """Copy rows of the story to a database that may lack tables and columns: the columns that it got, by table."""
    told, wanted = await columns(story), await columns(url)
    common = {
        table: [name for name in names if name in told[table]] for table, names in wanted.items() if table in told
    }
    source, target = await asyncpg.connect(of_libpq(story)), await asyncpg.connect(of_libpq(url))
    try:
        await target.execute("SET session_replication_role = replica")
        for day in await source.fetch("SELECT DISTINCT day FROM reading"):
            await target.execute("SELECT make_reading_partition($1)", day["day"])
        for table, names in common.items():
            rows = io.BytesIO()
            await source.copy_from_query(_query(table, names), output=rows, format="csv")
            await target.execute(f"DELETE FROM {table}")
            await target.copy_to_table(table, source=io.BytesIO(rows.getvalue()), columns=names, format="csv")
    finally:
        await source.close()
        await target.close()
    return common


def _query(table: str, names: Sequence[str]) -> str:
    return f"SELECT {', '.join(names)} FROM {table} WHERE {LATER.get(table, 'true')}"


async def digests(url: str, compared: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Of each table how many rows it has, and a digest of some of its columns."""
    connection = await asyncpg.connect(of_libpq(url))
    try:
        return {
            table: await connection.fetchval(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg(one::text, ',' ORDER BY one::text)), '') "
                f"FROM ({_query(table, names)}) AS one"
            )
            for table, names in compared.items()
        }
    finally:
        await connection.close()
