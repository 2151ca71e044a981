"""Upgrade databases of every day on which migrations changed: python -m tests.migrations [COMMIT...].

Makes a database by the migrations of each commit that touched them, upgrades it, and tells in how many lines its
dump differs from a fresh one's. Takes some three minutes for all of them; exits 1 where one differs.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bin.devstack import migrated, postgres
from bin.devstack.beside import execute, url_of_database
from bin.devstack.installation import ROOT, Installation, require_postgis
from tests.migrations import databases
from tests.migrations.databases import Step


def commits() -> list[str]:
    log = ["git", "log", "--reverse", "--format=%h", "--", "migrations/versions"]
    return subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def differing_lines(installation: Installation, server: str, commit: str, place: Path) -> int:
    """In how many lines a database of a commit, upgraded, differs from a fresh one."""
    url, scripts = url_of_database(server, f"of_{commit}"), databases.scripts_of(commit, place)
    asyncio.run(execute(server, f'CREATE DATABASE "of_{commit}" TEMPLATE template0'))
    databases.upgrade(Step(scripts, url, "head"), Step(None, url, "head"))
    fresh, found = (databases.dumped(installation, each).splitlines() for each in (server, url))
    asyncio.run(execute(server, f'DROP DATABASE "of_{commit}" WITH (FORCE)'))
    return len(set(fresh).symmetric_difference(found))


def main(wanted: Sequence[str]) -> int:
    """The exit status."""
    installation, found = require_postgis(), 0
    with tempfile.TemporaryDirectory() as place, migrated.socket_directory(in_memory=True) as sockets:
        data = sockets / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.FORGETFUL, sockets):
            for commit in wanted or commits():
                lines = differing_lines(installation, migrated.url_on_socket(sockets), commit, Path(place, commit))
                sys.stdout.write(f"{commit}  {lines or 'no'} lines differ\n")
                sys.stdout.flush()
                found += lines
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
