"""What `bin/backup` keeps, `bin/restore` makes again, so that every invariant holds of the copy."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest

from api.resources import database
from bin.devstack import migrated, postgres
from bin.devstack.installation import ROOT, Installation, NothingInstalled, require_postgis
from bin.devstack.processes import dying_with_parent
from domain.identity.viewers import Viewer
from domain.kernel.verification import checks
from domain.market.orders import placing
from domain.market.orders.orders import Proposal
from tests.factories.market import a_market, a_proposal, a_trader, now
from tests.faults import world

TABLES = """SELECT format('SELECT %L, count(*) FROM %I', relname, relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"""
SEQUENCES = "SELECT sequencename::text, last_value FROM pg_sequences ORDER BY sequencename"
pytestmark = pytest.mark.usefixtures("processes")
PLACED = "SELECT count(*) FROM market_order"
SETTINGS = postgres.FORGETFUL | {"synchronous_commit": "on"}
PATIENCE_S = 20.0
LOG = "commonwatt backup"


@pytest.fixture(scope="module")
def installation() -> Installation:
    try:
        return require_postgis()
    except NothingInstalled as reason:
        pytest.skip(str(reason))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bin.backups", *map(str, arguments)]


def run(url: str, *arguments: object) -> tuple[int, str]:
    """The exit status and what is said."""
    environment = os.environ | {"DATABASE_URL": url}
    done = subprocess.run(command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def breaches(url: str) -> list[str]:
    """What breaks an invariant."""
    connected = database.connect(url, role=None, pool=1)
    try:
        async with connected.sessions() as session:
            return [breach for check in checks().values() async for breach in check(session)]
    finally:
        await connected.close()


async def fetched(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def held(url: str) -> dict[str, list[tuple[object, ...]]]:
    """How many rows each table has, and where sequences are."""
    counts = " UNION ALL ".join(str(query) for (query,) in await fetched(url, TABLES))
    return {"rows": await fetched(url, f"{counts} ORDER BY 1"), "sequences": await fetched(url, SEQUENCES)}


class Placed(NamedTuple):
    """An order, who placed it, and the database's time when it was there."""

    trader: Viewer
    proposal: Proposal
    id: UUID
    at: datetime


async def place_an_order(url: str, key: str = "a key", like: Placed | None = None) -> Placed:
    """By somebody new, or as somebody placed one before; with a key, which tells them apart."""
    connected = database.connect(url, role="commonwatt_app", pool=1)
    try:
        async with connected.transaction() as session:
            trader = like.trader if like else await a_trader(session)
            proposal = like.proposal if like else a_proposal(await a_market(session))
            id = await placing.place(session, trader, key, proposal, now=now())
    finally:
        await connected.close()
    ((at,),) = await fetched(url, "SELECT clock_timestamp()")
    assert isinstance(at, datetime)
    return Placed(trader, proposal, id, at)


@contextlib.contextmanager
def cluster(data: Path, installation: Installation, stop: signal.Signals = signal.SIGINT) -> Iterator[str]:
    """A server on a data directory; gives its address."""
    with (
        migrated.socket_directory() as sockets,
        postgres.running(installation, data, SETTINGS, sockets, stop),
    ):
        yield migrated.url_on_socket(sockets)


async def test_a_dump_makes_the_same_database_on_an_empty_server(
    installation: Installation, fresh_database: str, tmp_path: Path
) -> None:
    """There even the role is missing as which the application acts."""
    await world.make(fresh_database, seed=1)
    with migrated.socket_directory(in_memory=True) as closed:
        postgres.create_cluster(installation, closed / "pg")
        with cluster(closed / "pg", installation) as copy:
            dumped = await asyncio.to_thread(run, fresh_database, "backup", "dump", tmp_path / "dump")
            restored = await asyncio.to_thread(run, copy, "restore", "dump", tmp_path / "dump")
            again = await asyncio.to_thread(run, copy, "restore", "dump", tmp_path / "dump")

            assert (dumped, restored) == ((0, ""), (0, ""))
            assert again[0] == 1
            assert "holds tables" in again[1]
            assert await held(copy) == await held(fresh_database)
            assert await breaches(copy) == []
            await place_an_order(copy)


async def until_the_log_is_kept(url: str) -> None:
    reached = f"""SELECT flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication
        WHERE application_name = '{LOG}'"""
    deadline = time.monotonic() + PATIENCE_S
    while await fetched(url, reached) != [(True,)]:
        assert time.monotonic() < deadline, await fetched(url, "SELECT * FROM pg_stat_replication")
        await asyncio.sleep(0.05)


@contextlib.contextmanager
def keeping_log(url: str, directory: Path) -> Iterator[None]:
    keeping = subprocess.Popen(
        command("backup", "log", directory),
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
        preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
    )
    try:
        yield
    finally:
        keeping.terminate()
        keeping.wait()


async def test_a_base_backup_and_the_log_make_any_moment_again(installation: Installation, tmp_path: Path) -> None:
    with migrated.socket_directory(in_memory=True) as closed:
        log, base = closed / "log", closed / "base"
        migrated.copy_migrated_cluster(closed / "pg", installation)
        (closed / "pg" / "pg_hba.conf").write_text(postgres.CLIENT_AUTHENTICATION)
        with cluster(closed / "pg", installation, stop=signal.SIGQUIT) as url, keeping_log(url, log):
            await world.make(url, seed=1)
            assert await asyncio.to_thread(run, url, "backup", "base", base) == (0, "")
            first = await place_an_order(url)
            second = await place_an_order(url, "another key", first)
            await until_the_log_is_kept(url)
        give_to_server(log, base)

        for name, until, orders in (("then", ["--until", first.at.isoformat()], 1), ("last", [], 2)):
            copy = closed / name
            assert run("", "restore", "base", base, copy, "--log", log, *until) == (0, "")
            with cluster(copy, installation) as url:
                await writable(url)

                assert await fetched(url, PLACED) == [(orders,)]
                assert await breaches(url) == []
                assert (await place_an_order(url, like=first)).id == first.id
                again = await place_an_order(url, "another key", first)
                assert (again.id == second.id) is (orders == 2)
                assert await breaches(url) == []


async def writable(url: str) -> None:
    """Wait until a server has recovered."""
    deadline = time.monotonic() + PATIENCE_S
    while await fetched(url, "SELECT pg_is_in_recovery()") != [(False,)]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def give_to_server(*directories: Path) -> None:
    """As root we made them, and the server is somebody else."""
    user = postgres.server_user()
    for directory in directories if user else ():
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user["user"], user["group"])


def test_a_moment_needs_the_log(tmp_path: Path) -> None:
    status, said = run("", "restore", "base", tmp_path, tmp_path / "copy", "--until", "2026-12-01T10:00:00+00:00")

    assert (status, said.strip()) == (1, "restore: A moment can be restored with the log only: --log DIRECTORY.")


def test_nothing_is_written_over(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "something").touch()

    status, said = run(fresh_database, "backup", "dump", tmp_path)

    assert (status, said.strip()) == (1, f"backup: {tmp_path} holds something: name a new directory.")
