"""Commonwatt on one machine: which services it consists of and the order in which they come up."""

import asyncio
import dataclasses
import functools
import json
import os
import shutil
import socket
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bin.devstack import beside, commands, health, migrated, postgres
from bin.devstack.commands import JOBS_STAGE, Application
from bin.devstack.installation import ROOT, STATE, Installation, require_postgis, require_valkey
from bin.devstack.ports import LOOPBACK, Ports, named_port
from bin.devstack.processes import Command, Supervisor
from bin.devstack.progress import say, step

T = TypeVar("T")

API_PORT = 8000
PAGES_OF_THIS_MACHINE = tuple(f"http://{host}:*" for host in ("localhost", LOOPBACK))  # Front ends at work.


@dataclass(frozen=True, slots=True)
class Place:
    """Where one stack keeps its data, and whether anybody wants it afterwards."""

    directory: Path
    is_kept: bool
    has_demo: bool = True
    application: Application = dataclasses.field(default_factory=Application)

    @property
    def logins_file(self) -> Path:
        return self.directory / "demo-logins.json"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"


class Stack:
    """Brings the services of one place up and down."""

    def __init__(self, place: Place) -> None:
        place.logs.mkdir(parents=True, exist_ok=True)
        self._place = place
        self._ports = Ports(place.directory / "ports.json" if place.is_kept else None)
        self._supervisor = Supervisor(ROOT, place.logs, say)
        self._environment = _inherited_environment() | {
            "COMMONWATT_SECRET": postgres.kept_secret(STATE / "secret"),
            "COMMONWATT_PAYMENT_SECRET": postgres.kept_secret(STATE / "payment-secret"),
            "COMMONWATT_LOGINS_FILE": str(place.logins_file),
            "NUMBA_CACHE_DIR": str(STATE / "numba"),
        }
        self._environment.setdefault("COMMONWATT_ALLOWED_ORIGINS", json.dumps(PAGES_OF_THIS_MACHINE))
        if place.has_demo:
            self._environment["COMMONWATT_DEMO"] = "1"
        self._drop_database: Command | None = None
        self._cluster: tuple[Installation, Path, str, int] | None = None
        self.url = ""

    async def start(self) -> None:
        """Raises ProcessFailed, ClusterFailed, NothingInstalled or PortTaken."""
        api_port = self._api_port()
        self.url = f"http://{LOOPBACK}:{api_port}"
        await self._start_valkey()
        await self._start_postgres()
        application = self._place.application
        with step("Migrations"):
            await self._migrate()
        if self._place.has_demo:
            with step("Demo data"):
                await self._supervisor.run(self._python("demo", application.load_demo))
        with step("API"):
            await self._start_api(api_port)
        with step("Worker, relay" + (", simulated feed" if self._place.has_demo else "")):
            await self._supervisor.start(self._python("worker", application.worker))
            await self._supervisor.start(self._python("relay", application.relay))
            if self._place.has_demo:
                await self._supervisor.start(self._python("feed", application.feed))

    async def beside(self, work: Awaitable[T]) -> T:
        """What `work` comes to, while everything runs. Raises ProcessFailed when something does not stay up."""
        ended, broken = asyncio.ensure_future(work), asyncio.create_task(self.watch())
        try:
            await asyncio.wait((ended, broken), return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                broken.result()
            return await ended
        finally:
            ended.cancel()
            broken.cancel()

    async def watch(self) -> None:
        """Keep everything running. Raises ProcessFailed when something does not stay up."""
        await self._supervisor.watch()

    async def stop(self) -> None:
        await self._supervisor.stop()
        if self._drop_database:
            await self._supervisor.run(self._drop_database)
            await self._supervisor.stop()

    def process_id(self, service: str) -> int | None:
        """Of a service, by the name of its log; None while it does not run."""
        return self._supervisor.process_id(service)

    def logins(self) -> dict[str, Any]:
        """What the demo loader wrote: `admin_token`, `member_token` and `logins`; empty without a demo."""
        path = self._place.logins_file
        if not (self._place.has_demo and path.exists()):
            return {}
        written: dict[str, Any] = json.loads(path.read_text())
        return written

    def environment_for_clients(self) -> dict[str, str]:
        """The environment of a command that uses this stack."""
        tokens = self.logins()
        named = {
            "COMMONWATT_URL": self.url,
            "COMMONWATT_ADMIN_TOKEN": tokens.get("admin_token"),
            "COMMONWATT_MEMBER_TOKEN": tokens.get("member_token"),
        }
        return self._environment | {name: value for name, value in named.items() if value}

    def _python(self, name: str, arguments: tuple[str, ...]) -> Command:
        return commands.python(name, arguments, self._environment, JOBS_STAGE)

    async def _start_postgres(self) -> None:
        given = os.environ.get("DATABASE_URL")
        if given:
            await self._use_given_database(with_asyncpg(given))
            return
        with step("PostgreSQL"):
            installation = require_postgis()
            data = self._place.directory / "pg"
            if self._place.is_kept:
                await asyncio.to_thread(_prepare_kept_cluster, data, installation)
            else:
                await self._supervisor.run(self._python("cluster", (*self._place.application.copy_migrated, str(data))))
            port = self._ports.choose("postgres")
            settings = postgres.DURABLE if self._place.is_kept else postgres.FORGETFUL
            server = commands.postgres_server(installation, data, port, settings, os.environ)
            await self._supervisor.start(server, functools.partial(postgres.is_ready, data))
            self._environment["DATABASE_URL"] = postgres.url_on_loopback(port)
            self._cluster = (installation, data, LOOPBACK, port)

    async def _migrate(self) -> None:
        migrate = self._python("migrate", self._place.application.migrate)
        if self._cluster is None:
            await self._supervisor.run(migrate)
        elif not await asyncio.to_thread(migrated.is_migrated, *self._cluster):
            await self._supervisor.run(migrate)
            await asyncio.to_thread(migrated.note_migrated, *self._cluster)

    async def _use_given_database(self, url: str) -> None:
        """The database itself, or for a throw-away place a new one beside it."""
        if not self._place.is_kept:
            name = f"commonwatt_run_{os.getpid()}"
            with step(f"Database {name} beside DATABASE_URL"):
                await self._supervisor.run(
                    self._python("create-database", ("-m", "bin.devstack.beside", "create", url, name))
                )
            self._drop_database = self._python("drop-database", ("-m", "bin.devstack.beside", "drop", url, name))
            url = beside.url_of_database(url, name)
        else:
            say("PostgreSQL                                     DATABASE_URL")
        self._environment["DATABASE_URL"] = url

    async def _start_valkey(self) -> None:
        given = os.environ.get("REDIS_URL") if self._place.is_kept else None
        if given:
            self._environment["REDIS_URL"] = given
            say("Valkey                                         REDIS_URL")
            return
        with step("Valkey"):
            port = self._ports.choose("valkey")
            server = commands.valkey_server(require_valkey(), port, self._place.directory, os.environ)
            await self._supervisor.start(server, lambda _: _accepts(port))
            self._environment["REDIS_URL"] = f"redis://{LOOPBACK}:{port}/0"

    def _api_port(self) -> int:
        """What COMMONWATT_PORT says, which is kept to; without it 8000, or what is free where that is taken."""
        if not self._place.is_kept:
            return self._ports.choose("api")
        named = os.environ.get("COMMONWATT_PORT")
        return self._ports.choose("api", named_port(named) if named else API_PORT)

    async def _start_api(self, port: int) -> None:
        self._environment["COMMONWATT_PAYMENT_CALLBACK_URL"] = f"{self.url}/payments/callbacks"
        command = commands.api(self._place.application, port, self._environment)
        await self._supervisor.start(command, lambda _: health.is_alive(self.url))


def with_asyncpg(url: str) -> str:
    """A PostgreSQL address with the driver that Commonwatt uses, whatever driver it named."""
    scheme, separator, rest = url.partition("://")
    if scheme.partition("+")[0] not in ("postgres", "postgresql") or not separator:
        raise ValueError(f"DATABASE_URL must start with postgresql://, not {scheme}")
    return f"postgresql+asyncpg://{rest}"


def _prepare_kept_cluster(data: Path, installation: Installation) -> None:
    if data.exists():
        postgres.check_version(installation, data)
        return
    part = data.with_name("pg-part")  # An interrupted start leaves no half-made cluster.
    shutil.rmtree(part, ignore_errors=True)
    postgres.create_cluster(installation, part)
    part.rename(data)


def _inherited_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    programs = str(Path(sys.executable).parent)
    return inherited | {"PATH": os.pathsep.join([programs, inherited.get("PATH", "")])}


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
