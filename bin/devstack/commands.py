"""The process table: what is run, with which arguments, and how it stops."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.installation import Installation
from bin.devstack.ports import LOOPBACK
from bin.devstack.processes import Command

# Stages of stopping: the API takes no more requests, then jobs end, then what they are stored in.
VALKEY_STAGE, POSTGRES_STAGE, JOBS_STAGE, API_STAGE = range(4)


@dataclass(frozen=True, slots=True)
class Application:
    """Arguments to the interpreter for each part of Commonwatt. A test may start others in their place."""

    migrate: tuple[str, ...] = ("-m", "alembic", "upgrade", "head")
    copy_migrated: tuple[str, ...] = ("-m", "bin.devstack.migrated")
    load_demo: tuple[str, ...] = ("-m", "api.demo", "load")
    api: tuple[str, ...] = ("-m", "api", "--host", LOOPBACK, "--port")
    worker: tuple[str, ...] = ("-m", "api.worker")
    relay: tuple[str, ...] = ("-m", "api.relay")
    feed: tuple[str, ...] = ("-m", "api.demo", "feed")


def python(name: str, arguments: tuple[str, ...], environment: Mapping[str, str], stage: int = JOBS_STAGE) -> Command:
    return Command(name, (sys.executable, *arguments), environment, stage)


def api(application: Application, port: int, environment: Mapping[str, str]) -> Command:
    return python("api", (*application.api, str(port)), environment, API_STAGE)


def postgres_server(
    installation: Installation, data: Path, port: int, settings: dict[str, str], environment: Mapping[str, str]
) -> Command:
    return Command(
        "postgres",
        postgres.server_command(installation, data, settings, port=port),
        {**environment, **installation.environment},
        POSTGRES_STAGE,
        stop=signal.SIGINT,  # Ends sessions and writes a checkpoint; SIGTERM would wait for every client.
        grace_s=30,
        orphaned=signal.SIGINT,
        user=postgres.server_user(),
    )


def valkey_server(binary: Path, port: int, directory: Path, environment: Mapping[str, str]) -> Command:
    """Keeps nothing on disk: whatever must not be lost is in PostgreSQL and sent again from there."""
    options = {"port": str(port), "bind": LOOPBACK, "dir": str(directory), "save": "", "appendonly": "no"}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Command("valkey", (str(binary), *arguments), environment, VALKEY_STAGE)
