"""PostgreSQL's own programs, of the server's version where they are there."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bin.backups.addresses import environment, for_programs
from bin.devstack.installation import STATE, SYSTEM_DIRECTORIES, environment_of_unpacked

NEEDED = ("psql", "pg_dump", "pg_restore", "pg_basebackup", "pg_receivewal", "pg_verifybackup")


class ProgramFailed(Exception):
    """A program is not there or did not do what it was asked; the message holds what it said."""


class Programs:
    """The programs of one directory, which connect to DATABASE_URL."""

    def __init__(self, directory: Path, libraries: dict[str, str]) -> None:
        self.directory = directory
        self._libraries = libraries

    def run(self, name: str, *arguments: str) -> str:
        """What a program says. Raises ProgramFailed."""
        command = [str(self.directory / name), *arguments]
        done = subprocess.run(
            command, env={**for_programs(), **self._libraries}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ProgramFailed(f"{name} ended with status {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def become(self, name: str, *arguments: str) -> None:
        """End as that program, so that whoever supervises us supervises it."""
        os.execve(self.directory / name, [name, *arguments], {**for_programs(), **self._libraries})

    def ask(self, query: str) -> str:
        """What the database answers: a line for each row, columns parted by |. Raises ProgramFailed."""
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query).strip()

    def version(self) -> int:
        """Their major version."""
        said = self.run("pg_dump", "--version").split()[2]
        return int("".join(letter if letter.isdigit() else " " for letter in said).split()[0])


def of_the_server() -> Programs:
    """Programs that this server's files and dumps suit. Raises ProgramFailed, NoAddress."""
    environment(os.environ.get("DATABASE_URL", ""))
    found = list(_all())
    if not found:
        raise ProgramFailed("PostgreSQL's programs (pg_dump, pg_basebackup, ...) are not installed here.")
    major = int(found[0].ask("SHOW server_version_num")) // 10_000
    return of_version(major)


def of_version(major: int) -> Programs:
    """Programs of a version. Raises ProgramFailed."""
    for programs in _all():
        if programs.version() == major:
            return programs
    raise ProgramFailed(f"PostgreSQL {major} is needed, and its programs are not installed here.")


def _all() -> Iterator[Programs]:
    for directory in _directories():
        if all((directory / name).exists() for name in NEEDED):
            is_unpacked = directory.is_relative_to(STATE)
            yield Programs(directory, environment_of_unpacked(STATE / "sys") if is_unpacked else {})


def _directories() -> Sequence[Path]:
    on_path = [Path(directory) for directory in os.environ.get("PATH", "").split(os.pathsep) if directory]
    roots = (Path("/"), STATE / "sys")
    installed = [found for root in roots for pattern in SYSTEM_DIRECTORIES for found in sorted(root.glob(pattern))]
    return [*on_path, *installed]
