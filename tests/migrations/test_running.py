"""Upgrades follow each other, keep nobody waiting, begin again where they could not go on, and need few rights."""

import asyncio
import logging
import os
import re
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from bin.building.migrations import head
from bin.devstack.beside import execute, url_of_database
from bin.devstack.installation import ROOT
from migrations import stepping
from tests.conftest import Server
from tests.migrations.databases import of_libpq

PAGE = ROOT / "docs/operations/upgrades.md"
STALLED_S_MAX = 1.0  # Machines of tests are busy; a migration that waits or holds without bounds takes five.

MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision: str = "example"
down_revision: str | None = "{before}"

def upgrade() -> None:
    {does}
"""
ADDS_A_COLUMN = 'op.add_column("market_order", sa.Column("example", sa.Integer(), server_default="7", nullable=False))'
HOLDS = ADDS_A_COLUMN + '; op.execute("SELECT pg_sleep(5)")'
INDEXES = """with op.get_context().autocommit_block():
        op.drop_index("uq_example", table_name="event_stream", if_exists=True, postgresql_concurrently=True)
        op.create_index("uq_example", "event_stream", ["announced"], unique=True, postgresql_concurrently=True)"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Of today's migrations, and those that a test adds."""
    monkeypatch.setattr(logging.getLogger("alembic.runtime.migration"), "propagate", False)
    monkeypatch.chdir(ROOT)
    found = Config(str(ROOT / "alembic.ini"))
    found.set_main_option("version_locations", f"{ROOT / 'migrations/versions'}{os.pathsep}{tmp_path}")
    return found


def add(directory: Path, does: str) -> None:
    text = MIGRATION.format(before=head(), does=does)
    (directory / "2036-01-01-0000_example.py").write_text(text)


@pytest.fixture
def upgrade(config: Config, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[None]]:
    monkeypatch.setenv("DATABASE_URL", fresh_database)

    async def to_head(**told: float) -> None:
        config.cmd_opts = Namespace(x=[f"{name}={value}" for name, value in told.items()])
        await asyncio.to_thread(command.upgrade, config, "head")

    return to_head


@pytest.fixture
async def other(fresh_database: str) -> AsyncIterator[asyncpg.Connection]:
    """The connection of somebody else."""
    connection = await asyncpg.connect(of_libpq(fresh_database))
    yield connection
    await connection.close()


async def longest_s(url: str, until: asyncio.Future[Any]) -> float:
    """The longest time that a reader of orders had to wait, until something has ended."""
    reader = await asyncpg.connect(of_libpq(url))
    longest = 0.0
    while not until.done():
        began = time.monotonic()
        await reader.fetch("SELECT 1 FROM market_order LIMIT 1")
        longest = max(longest, time.monotonic() - began)
        await asyncio.sleep(0.005)
    await reader.close()
    return longest


async def has_example(connection: asyncpg.Connection) -> bool:
    found = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'market_order'::regclass AND attname = 'example')"
    return bool(await connection.fetchval(found))


async def test_a_migration_that_meets_a_lock_gives_way_and_comes_again(
    fresh_database: str, other: asyncpg.Connection, upgrade: Callable[..., Awaitable[None]], tmp_path: Path
) -> None:
    add(tmp_path, ADDS_A_COLUMN)
    async with other.transaction():
        await other.execute("LOCK TABLE market_order IN ACCESS SHARE MODE")  # As whoever reads it.
        running = asyncio.ensure_future(upgrade())
        stalled_s = await longest_s(fresh_database, asyncio.ensure_future(asyncio.sleep(0.8)))
        assert not running.done()
        assert not await has_example(other)

    await running

    assert await has_example(other)
    assert stalled_s < STALLED_S_MAX


async def test_a_migration_that_holds_a_lock_for_too_long_leaves_nothing(
    fresh_database: str, other: asyncpg.Connection, upgrade: Callable[..., Awaitable[None]], tmp_path: Path
) -> None:
    add(tmp_path, HOLDS)
    running = asyncio.ensure_future(upgrade(patience_s=0, held_ms=100))

    stalled_s = await longest_s(fresh_database, running)

    with pytest.raises(DBAPIError, match="statement timeout"):
        await running
    assert not await has_example(other)
    assert stalled_s < STALLED_S_MAX


async def test_an_index_that_failed_is_made_again(
    other: asyncpg.Connection, upgrade: Callable[..., Awaitable[None]], tmp_path: Path
) -> None:
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('uq_example')"
    add(tmp_path, INDEXES)
    await other.execute("INSERT INTO event_stream (stream, sequence) VALUES ('one', 1), ('two', 2)")
    with pytest.raises(IntegrityError):
        await upgrade()
    assert await other.fetchval(valid) is False

    await other.execute("UPDATE event_stream SET announced = sequence")
    await upgrade()

    assert await other.fetchval(valid) is True


async def test_who_upgrades_waits_for_who_does(
    other: asyncpg.Connection, upgrade: Callable[..., Awaitable[None]], tmp_path: Path
) -> None:
    """Without a transaction, for which the making of an index would wait."""
    add(tmp_path, ADDS_A_COLUMN)
    await other.execute(f"SELECT pg_advisory_lock({stepping.TURN})")
    running = asyncio.ensure_future(upgrade())
    await asyncio.sleep(0.7)
    in_one = "backend_xmin IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()"
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {in_one}"
    assert (running.done(), await has_example(other), await other.fetchval(waiting)) == (False, False, 0)

    await other.execute(f"SELECT pg_advisory_unlock({stepping.TURN})")
    await running

    assert await has_example(other)


def test_an_upgrade_can_be_written_instead(config: Config, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """As SQL, without a database."""
    add(tmp_path, INDEXES)

    command.upgrade(config, f"{head()}:example", sql=True)

    said = capsys.readouterr().out
    assert "CREATE UNIQUE INDEX CONCURRENTLY uq_example ON event_stream (announced);" in said
    assert "SET version_num='example'" in said


async def test_an_owner_without_rights_over_the_server_upgrades(
    server: Server, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an administrator has done what docs/operations/upgrades.md says."""
    owner = f"owner_{os.getpid()}"
    url = url_of_database(server.url, f"commonwatt_test_{os.getpid()}_owned")
    name = make_url(url).database
    said = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)[0]
    said = re.sub(r"CREATE ROLE commonwatt_app.*;", "", said)  # A server of tests has it.
    said = re.sub(r"\bcommonwatt_owner\b", owner, said).replace("commonwatt_api", f"api_{os.getpid()}")
    roles, inside = re.sub(r"\bDATABASE commonwatt\b", f'DATABASE "{name}"', said).split("\\connect commonwatt\n")
    await execute(server.url, *filter(str.strip, roles.split(";")))
    try:
        await execute(url, *filter(str.strip, inside.split(";")))
        monkeypatch.setenv("DATABASE_URL", str(make_url(url).update_query_dict({"user": owner})))
        await asyncio.to_thread(command.upgrade, config, "head")

        as_the_application = await asyncpg.connect(of_libpq(url), user=f"api_{os.getpid()}")
        await as_the_application.execute("SET ROLE commonwatt_app")
        assert await as_the_application.fetchval("SELECT count(*) FROM framework") > 0
        await as_the_application.execute("SELECT make_reading_partition('2026-12-01')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_the_application.execute("DELETE FROM audit_entry")
        await as_the_application.close()
    finally:
        await server.drop_database(url)
        await execute(server.url, f"DROP ROLE {owner}", f"DROP ROLE api_{os.getpid()}")
