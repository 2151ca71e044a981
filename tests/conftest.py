"""A real PostGIS and a real Valkey for the tests that ask for one; tests of rules and solvers never start them.

The server stays between runs (`bin.devstack.kept`): a copy of the migrated cluster that `bin.devstack.migrated` keeps
in `.local`, on a unix socket in a closed directory. With DATABASE_URL set, databases are made on that server instead.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from bin.devstack import kept, migrated, postgres
from bin.devstack.beside import execute, url_of_database
from bin.devstack.installation import ROOT, NothingInstalled, require_postgis, require_valkey
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent
from tests import dealing, tiers

if TYPE_CHECKING:  # Tests of rules do not wait for what databases need.
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

# Where a commit is judged, the same commit gets the same answer; everywhere else each run looks further.
# How busy the machine is says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("judged", settings.get_profile("patient"), derandomize=True)
settings.load_profile("judged" if os.environ.get("CI") else "patient")

AS_THE_APPLICATION = {"server_settings": {"role": "commonwatt_app"}}
FULL_COLLECTION_AFTER = 1_000  # Collections of younger objects.
_numbers = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--tier", choices=tiers.TIERS, default="whole", help="See tests/tiers.py.")


def pytest_configure(config: pytest.Config) -> None:
    tiers.begin(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is loaded until here stays, so the collector of garbage need not look at it again and again.

    Full collections stay as rare as they are with all of that to look at: what one test leaves behind, such as the
    connections of a worker that dies, is told as a warning in whichever later test they fall into.
    """
    gc.disable()
    yield
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTION_AFTER)
    gc.enable()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    tiers.forget(report)


@pytest.hookimpl(trylast=True)  # After pytest-randomly has shuffled them.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tiers.select(config, items)
    dealing.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return dealing.scheduler(config, log) if config.getoption("dist") == "loadfile" else None


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server that holds a migrated, empty database nobody connects to."""

    url: str
    template: str

    async def create_database(self) -> str:
        """A copy of the template, in about 20 ms; returns its address."""
        name = f"commonwatt_test_{os.getpid()}_{next(_numbers)}"
        await execute(self.url, f'CREATE DATABASE "{name}" TEMPLATE "{self.template}" STRATEGY file_copy')
        return url_of_database(self.url, name)

    async def drop_database(self, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        await execute(self.url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    from bin.devstack.stack import with_asyncpg

    given = os.environ.get("DATABASE_URL")
    if given:
        yield asyncio.run(_given_server(with_asyncpg(given)))
        return
    try:
        installation = require_postgis()
    except NothingInstalled as reason:
        pytest.skip(str(reason))
    with kept.used(kept.place_for(installation)) as directory:
        yield Server(migrated.url_on_socket(directory, "postgres"), postgres.DATABASE)


async def _given_server(url: str) -> Server:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    template = f"commonwatt_template_{migrated.digest_of_migrations()}"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        exists = await connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": template})
    await engine.dispose()
    if not exists:
        part = f"{template}_{os.getpid()}"
        await execute(url, f'CREATE DATABASE "{part}"')
        environment = os.environ | {"DATABASE_URL": url_of_database(url, part)}
        await asyncio.to_thread(subprocess.run, migrated.MIGRATE, cwd=ROOT, env=environment, check=True)
        with contextlib.suppress(Exception):  # Another test run was faster.
            await execute(url, f'ALTER DATABASE "{part}" RENAME TO "{template}"')
        await execute(url, f'DROP DATABASE IF EXISTS "{part}"')
    return Server(url, template)


@pytest.fixture(scope="session")
async def database_url(server: Server) -> AsyncIterator[str]:
    """Address of a migrated database, shared by the tests of this process. Leave nothing behind in it."""
    url = await server.create_database()
    yield url
    await server.drop_database(url)


@pytest.fixture(scope="session")
async def engine(database_url: str) -> "AsyncIterator[AsyncEngine]":
    """With the rights of the application, not of the owner of the tables."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(database_url, connect_args=AS_THE_APPLICATION)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: "AsyncEngine") -> "AsyncIterator[AsyncSession]":
    """A session whose commits are savepoints in one transaction, which is rolled back after the test."""
    from sqlalchemy.ext.asyncio import AsyncSession

    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
        await transaction.rollback()


@pytest.fixture
async def fresh_database(server: Server) -> AsyncIterator[str]:
    """Address of a migrated database of the test's own, for real commits, LISTEN or several connections."""
    url = await server.create_database()
    yield url
    await server.drop_database(url)


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    try:
        binary = require_valkey()
    except NothingInstalled as reason:
        pytest.skip(str(reason))
    port = any_free()
    command = [str(binary), "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        cwd="/tmp",
        preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
    ) as process:
        _wait_for(port)
        yield f"redis://{LOOPBACK}:{port}/0"
        process.kill()


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """Address of an empty Valkey."""
    import redis

    with contextlib.closing(redis.Redis.from_url(valkey_url)) as client:
        client.flushall()
    return valkey_url


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on port {port}"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def processes() -> None:
    """For tests, and fixtures, that start processes of their own: the tier `whole` alone runs them."""


@pytest.fixture(autouse=True)
def _only_what_it_asks_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    tiers.forbid(request, monkeypatch)
