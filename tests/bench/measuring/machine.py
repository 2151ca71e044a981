"""What the measurements were made on and with."""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bin.devstack.installation import ROOT, require_postgis, require_valkey
from tests.bench.measuring import tools

PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "asyncpg", "sqlalchemy", "orjson")
PEERS = ("postgraphile", "grafserv", "graphql", "graphql-ws", "ws", "redis")


def facts() -> dict[str, str]:
    """The machine, the day and the versions of all that takes part."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, revision {_said('git', 'rev-parse', '--short', 'HEAD')}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, {_distribution()}",
        "load before": " ".join(f"{value:.2f}" for value in os.getloadavg()) + " (1, 5, 15 minutes)",
        "PostgreSQL": _said(require_postgis().program("postgres"), "--version").rpartition(") ")[2],
        "Valkey": _first_version(_said(str(require_valkey()), "--version")),
        "Python": sys.version.split()[0],
        "Python packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
        "Node": _said(tools.node(), "--version"),
        "npm packages": ", ".join(f"{name} {version}" for name, version in tools.versions_of_peers(*PEERS).items()),
    }


def _said(*command: str) -> str:
    """What a program says of itself; an environment of the unpacked PostgreSQL does no harm to the others."""
    environment = os.environ | dict(require_postgis().environment) if "postgres" in command[0] else os.environ
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _first_version(text: str) -> str:
    found = re.search(r"\d+\.\d+\.\d+", text)
    return found[0] if found else text


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
