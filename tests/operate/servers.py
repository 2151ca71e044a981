"""Servers of PostgreSQL that a story starts, kills and replaces by itself; nobody else starts them again."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bin.devstack import commands, migrated, postgres
from bin.devstack.guard import Guard
from bin.devstack.installation import ROOT, require_postgis
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import Child, Command
from tests.bench.measuring.usage import children_of
from tests.faults.killing import kill_with

PATIENCE_S = 60.0
ATTRIBUTES = "target_session_attrs=read-write"


class Server:
    """One server on a data directory; it keeps its port."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.port = any_free()
        self._installation = require_postgis()
        self._settings = postgres.DURABLE | dict(settings or {})
        self._guard = Guard()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address alone, as its owner."""
        return postgres.url_on_loopback(self.port)

    def give(self, directory: Path) -> None:
        """Make a directory that the server's user may write to."""
        directory.mkdir(parents=True, exist_ok=True)
        postgres.give_to_server(directory)

    def give_all(self, directory: Path) -> None:
        """Give what we made, as whoever we are, to the server's user."""
        user = postgres.server_user()
        for path in (directory, *directory.rglob("*")) if user else ():
            os.chown(path, user["user"], user["group"])

    def copy_migrated(self) -> None:
        """Make its data those of a migrated, empty database, whose server may be copied over the network."""
        migrated.copy_migrated_cluster(self.data, self._installation)
        (self.data / "pg_hba.conf").write_text(postgres.CLIENT_AUTHENTICATION)

    async def start(self) -> None:
        """Gives back when it accepts connections, if only to read. Raises TimeoutError."""
        command = commands.postgres_server(self._installation, self.data, self.port, self._settings, os.environ)
        self._child = Child(command, ROOT, self.data.parent, self._guard)
        await self._child.start()
        deadline = time.monotonic() + PATIENCE_S
        while not await asyncio.to_thread(self.ask, "SELECT 1"):
            if self._child.has_ended or time.monotonic() > deadline:
                raise self._child.failure()
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """By SIGKILL, with all of its children, as a power cut would."""
        assert self._child is not None
        kill_with(self._child.process_id, children_of(self._child.process_id))

    async def stop(self) -> None:
        """End it, if it runs."""
        if self._child is not None:
            await self._child.stop()
        await self._guard.close()

    async def beside(self, name: str, *arguments: str) -> Child:
        """A program of Python that is told the server's address, until it is stopped."""
        child = Child(self._ours(name, arguments), ROOT, self.data.parent, self._guard)
        await child.start()
        return child

    async def do(self, name: str, *arguments: str) -> None:
        """A program of Python, run to its end. Raises ProcessFailed."""
        child = await self.beside(name, *arguments)
        if await child.wait() != 0:
            raise child.failure()

    def _ours(self, name: str, arguments: Sequence[str]) -> Command:
        environment = {**os.environ, "DATABASE_URL": self.url}
        return Command(name, (sys.executable, *arguments), environment)

    def ask(self, query: str) -> str:
        """One value; empty when it cannot be had."""
        return postgres.ask(self._installation, LOOPBACK, self.port, query)

    def run(self, name: str, *arguments: str, script: str = "") -> None:
        """A program of PostgreSQL, as the server's user. Raises CalledProcessError."""
        environment = os.environ | dict(self._installation.environment) | {"PGPASSWORD": postgres.password()}
        command = [self._installation.program(name), *arguments]
        user = postgres.server_user()
        subprocess.run(
            command, cwd="/", env=environment, input=script, text=True, capture_output=True, check=True, **user
        )


def address_of(*servers: Server) -> str:
    """An address that leads to whichever of them may be written to."""
    hosts = ",".join(f"{LOOPBACK}:{server.port}" for server in servers)
    return f"postgresql://{postgres.ROLE}:{postgres.password()}@{hosts}/{postgres.DATABASE}?{ATTRIBUTES}"
