"""Upgrade databases of every day on which migrations changed: python -m tests.migrations [COMMIT...].

Makes a database by the migrations of each commit that touched them, upgrades it, and tells in how many lines its
dump differs from a fresh one's; then lets the code of the last release work on today's schema, as it does during an
upgrade. Takes some three minutes for all of them; exits 1 where one differs or that code fails.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bin import releasing
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


def older_code_works(server: str, place: Path) -> bool:
    """Whether the code of the last release makes its demo on today's schema, and finds that the invariants hold."""
    (*_, file) = releasing.releases(ROOT).values()
    released = databases.git("log", "--diff-filter=A", "--format=%h", "--", str(file.relative_to(ROOT))).split()[-1]
    archive = subprocess.run(["git", "archive", released], cwd=ROOT, capture_output=True, check=True).stdout
    place.mkdir()
    subprocess.run(["tar", "x", "-C", place], input=archive, check=True)
    told = {"DATABASE_URL": server, "REDIS_URL": "redis://127.0.0.1:1", "COMMONWATT_SECRET": secrets.token_hex()}
    environment = os.environ | told | {"COMMONWATT_DEMO": "1", "COMMONWATT_LOGINS_FILE": str(place / "logins.json")}
    return all(
        subprocess.run([sys.executable, "-m", *command], cwd=place, env=environment, check=False).returncode == 0
        for command in (("api.demo", "load"), ("api.verify",))
    )


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
            if not wanted:
                found += not older_code_works(migrated.url_on_socket(sockets), Path(place, "older"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
