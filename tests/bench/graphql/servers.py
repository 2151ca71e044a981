"""The servers that are compared, one process each, on one database: started for the length of a block."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bin.devstack import migrated, postgres
from bin.devstack.commands import Application
from bin.devstack.installation import Installation
from bin.devstack.ports import LOOPBACK, any_free
from tests.bench.graphql.operations import NAIVE, OURS, POSTGRAPHILE
from tests.bench.measuring import running, tools
from tests.bench.measuring.running import Server

UNLIMITED = 10**12  # The limits stay on and are charged; only no budget ends within a run.
OUR_SETTINGS = {
    "COMMONWATT_PAGE_MAX": "1000",
    "COMMONWATT_RATE_CAPACITY": str(UNLIMITED),
    "COMMONWATT_RATE_REFILL_PER_S": str(UNLIMITED),
}


@dataclass(frozen=True, slots=True)
class Place:
    """The running cluster."""

    installation: Installation
    sockets: Path

    @property
    def url(self) -> str:
        return migrated.url_on_socket(self.sockets)

    @property
    def log(self) -> Path:
        return self.sockets / "data/server.log"

    def ask(self, query: str) -> str:
        """One value from the database, as text."""
        return postgres.ask(self.installation, str(self.sockets), 5432, query)


@contextlib.contextmanager
def ours(place: Place, redis_url: str) -> Iterator[Server]:
    """Commonwatt's API with the command of `bin/up`: authentication, limits and audit as for users."""
    port = any_free()
    environment = {"DATABASE_URL": place.url, "REDIS_URL": redis_url} | OUR_SETTINGS
    command = [sys.executable, *Application().api, str(port)]
    with running.server(OURS, command, environment, port=port) as server:
        yield server


@contextlib.contextmanager
def naive(place: Place) -> Iterator[Server]:
    """The plain Strawberry server of `peers/naive.py`, under uvicorn with the same options."""
    port = any_free()
    options = [
        *("-m", "uvicorn", "tests.bench.peers.naive:app", "--host", LOOPBACK, "--port", str(port)),
        *("--http", "api.transport.http.bounds:BoundedProtocol", "--ws", "api.transport.live.corks:CorkedProtocol"),
        *("--ws-max-size", "65536", "--ws-per-message-deflate", "false", "--no-access-log", "--no-proxy-headers"),
        *("--timeout-keep-alive", "30"),
    ]
    with running.server(NAIVE, [sys.executable, *options], {"DATABASE_URL": place.url}, port=port) as server:
        yield server


@contextlib.contextmanager
def postgraphile(place: Place) -> Iterator[Server]:
    """PostGraphile 5 on Node 22, over the views of `peers/views.sql`."""
    _run_sql(place, tools.PEERS / "views.sql")
    directory, port = tools.peers(), any_free()
    shutil.copy(tools.PEERS / "postgraphile.mjs", directory)
    environment = {
        "DATABASE_URL": f"postgres://{postgres.ROLE}@/{postgres.DATABASE}?host={place.sockets}",
        "PORT": str(port),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    command = [tools.node(), "postgraphile.mjs"]
    with running.server(POSTGRAPHILE, command, environment, port=port, directory=directory) as server:
        yield server


def _run_sql(place: Place, path: Path) -> None:
    program = place.installation.program("psql")
    options = ["-qX", "-v", "ON_ERROR_STOP=1", "-h", str(place.sockets), "-U", postgres.ROLE, "-f", str(path)]
    environment = os.environ | place.installation.environment
    subprocess.run([program, *options, postgres.DATABASE], env=environment, check=True)
