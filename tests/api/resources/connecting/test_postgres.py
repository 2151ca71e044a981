"""Every way to a PostgreSQL that an address can name, to real servers, over both drivers' connections."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.processes import commands
from api.resources.database import Database, connect
from api.resources.failures import KNOWN, RAISED
from api.transport.terms.errors import refused
from bin.devstack.beside import execute
from bin.devstack.installation import ROOT
from bin.devstack.ports import any_free
from tests.api.resources.connecting.servers import KEY_SECRET, LOOPBACK, Certificates, url

IS_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
PORT = "SELECT inet_server_port()"
OWNER = "commonwatt"
ALEMBIC = (sys.executable, "-m", "alembic", "current")


async def asked(database: Database, sql: str) -> Any:
    """What both kinds of connections say."""
    row = await database.fetch(sql)
    async with database.reading() as connection:
        said = (await connection.execute(text(sql))).scalar_one()
    assert row is not None
    assert row[0] == said
    return said


@contextlib.asynccontextmanager
async def connected(address: str, **options: Any) -> AsyncIterator[Database]:
    database = connect(address, role=None, pool=2, **options)
    yield database
    await database.close()


def filled(query: str, certificates: Certificates) -> str:
    names = {name: certificates.path(f"{name}.pem") for name in ("ca", "stranger", "client")}
    keys = {"key": certificates.path("client.key"), "locked": certificates.path("locked.key")}
    return query.format(**names, **keys, secret=KEY_SECRET.replace(" ", "%20"))


@pytest.mark.parametrize(
    ("user", "host", "query", "is_encrypted"),
    [
        ("plain", LOOPBACK, "sslmode=disable", False),
        ("plain", LOOPBACK, "sslmode=allow", False),
        ("plain", LOOPBACK, "sslmode=prefer", False),
        ("ada", LOOPBACK, "sslmode=allow", True),
        ("ada", LOOPBACK, "", True),
        ("ada", LOOPBACK, "sslmode=prefer", True),
        ("ada", LOOPBACK, "sslmode=require&ssl_min_protocol_version=TLSv1.3", True),
        ("ada", LOOPBACK, "sslmode=require&sslrootcert={ca}", True),
        ("ada", LOOPBACK, "sslmode=verify-ca&sslrootcert={ca}", True),
        ("ada", "localhost", "sslmode=verify-full&sslrootcert={ca}", True),
        ("certified", "localhost", "sslmode=verify-full&sslrootcert={ca}&sslcert={client}&sslkey={key}", True),
        ("certified", LOOPBACK, "sslmode=require&sslcert={client}&sslkey={locked}&sslpassword={secret}", True),
    ],
)
async def test_it_is_reached_as_the_address_says(
    primary: int, certificates: Certificates, user: str, host: str, query: str, is_encrypted: bool
) -> None:
    async with connected(url(filled(query, certificates), user=user, hosts=[f"{host}:{primary}"])) as database:
        assert await asked(database, IS_ENCRYPTED) is is_encrypted


@pytest.mark.parametrize(
    ("user", "host", "query"),
    [
        ("ada", LOOPBACK, "sslmode=disable"),
        ("plain", LOOPBACK, "sslmode=require"),
        ("ada", LOOPBACK, "sslmode=verify-full&sslrootcert={ca}"),  # Its certificate is another name's.
        ("ada", "localhost", "sslmode=verify-full&sslrootcert={stranger}"),
        ("ada", LOOPBACK, "sslmode=verify-ca&sslrootcert={stranger}"),
        ("ada", LOOPBACK, "sslmode=require&sslrootcert={stranger}"),
        ("ada", "localhost", "sslrootcert=system"),
        ("certified", "localhost", "sslmode=verify-full&sslrootcert={ca}"),
    ],
)
async def test_what_cannot_be_trusted_is_not_used(
    primary: int, certificates: Certificates, user: str, host: str, query: str
) -> None:
    async with connected(url(filled(query, certificates), user=user, hosts=[f"{host}:{primary}"])) as database:
        for attempt in (database.fetch(IS_ENCRYPTED), asked(database, IS_ENCRYPTED)):
            with pytest.raises(RAISED) as caught:
                await attempt
            assert refused(caught.value, KNOWN).code == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ("any", "standby"),
        ("read-write", "primary"),
        ("primary", "primary"),
        ("standby", "standby"),
        ("read-only", "standby"),
        ("prefer-standby", "standby"),
    ],
)
async def test_of_several_hosts_it_is_the_first_that_is_as_asked_for(
    primary: int, standby: int, session: str, expected: str
) -> None:
    dead, ports = any_free(), {"primary": primary, "standby": standby}
    hosts = [f"{LOOPBACK}:{port}" for port in (dead, standby, primary)]
    address = url(f"target_session_attrs={session}", user=OWNER, password="", hosts=hosts)

    async with connected(address) as database:
        assert await asked(database, PORT) == ports[expected]


async def test_no_standby_is_better_than_nothing_where_it_was_only_preferred(primary: int) -> None:
    hosts = [f"{LOOPBACK}:{primary}"]
    async with connected(url("target_session_attrs=prefer-standby", user=OWNER, hosts=hosts)) as database:
        assert await asked(database, PORT) == primary
    async with connected(url("target_session_attrs=standby", user=OWNER, hosts=hosts)) as database:
        with pytest.raises(OSError, match="No server lets us in"):
            await database.fetch(PORT)


async def test_a_host_that_is_silent_costs_its_own_time_only(primary: int) -> None:
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        silent.listen()
        hosts = [f"{LOOPBACK}:{silent.getsockname()[1]}", f"{LOOPBACK}:{primary}"]
        address = url("target_session_attrs=read-write&connect_timeout=1", user=OWNER, hosts=hosts)
        async with connected(address) as database:
            assert await asked(database, PORT) == primary


async def test_connections_that_can_only_read_by_now_are_left(primary: int) -> None:
    """As after a failover: what was the primary comes back as something else."""
    address = url("target_session_attrs=read-write", user=OWNER, hosts=[f"{LOOPBACK}:{primary}"])

    async with connected(address) as database:
        await asked(database, PORT)
        try:
            await execute(_with_asyncpg(primary), "ALTER SYSTEM SET default_transaction_read_only = on")
            await execute(_with_asyncpg(primary), "SELECT pg_reload_conf()", "SELECT pg_sleep(0.1)")
            for attempt in (database.fetch, lambda sql: _read(database, sql)):
                with contextlib.suppress(OSError):
                    await attempt(PORT)  # The server says it with an answer.
                with pytest.raises(OSError, match="No server lets us in"):
                    await attempt(PORT)
        finally:
            off = "SET default_transaction_read_only = off"
            await execute(_with_asyncpg(primary), off, "ALTER SYSTEM RESET default_transaction_read_only")
            await execute(_with_asyncpg(primary), "SELECT pg_reload_conf()", "SELECT pg_sleep(0.1)")
        assert await asked(database, PORT) == primary


async def test_who_only_reads_by_its_own_setting_finds_the_primary(primary: int, standby: int) -> None:
    hosts = [f"{LOOPBACK}:{port}" for port in (standby, primary)]
    address = url("target_session_attrs=read-write", user=OWNER, hosts=hosts)
    async with connected(address, read_only=True) as database:
        assert await asked(database, PORT) == primary
        with pytest.raises(DBAPIError, match="read-only"):
            await _read(database, "CREATE TABLE x (id int)")


@pytest.mark.usefixtures("processes")
async def test_commands_and_migrations_go_the_same_way(
    primary: int, standby: int, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = filled("sslmode=verify-full&sslrootcert={ca}&target_session_attrs=read-write", certificates)
    address = url(query, user=OWNER, hosts=[f"localhost:{standby}", f"localhost:{primary}"])
    monkeypatch.setenv("DATABASE_URL", address)

    async with commands.connected(role=None) as database:
        assert await asked(database, PORT) == primary
        assert await asked(database, IS_ENCRYPTED)
    told = subprocess.run(ALEMBIC, check=True, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert "(head)" in told.stdout


async def _read(database: Database, sql: str) -> Any:
    async with database.reading() as connection:
        return (await connection.execute(text(sql))).scalar_one()


def _with_asyncpg(port: int) -> str:
    return f"postgresql+asyncpg://{OWNER}@{LOOPBACK}:{port}/commonwatt"
