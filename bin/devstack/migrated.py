"""A migrated, empty cluster, kept stopped in `.local` and copied wherever one is thrown away after use.

python -m bin.devstack.migrated TARGET      makes TARGET a copy
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.installation import ROOT, STATE, Installation, require_postgis

INPUTS = ("alembic.ini", "migrations/**/*.py", "domain/**/tables.py", "domain/kernel/database.py")
NOTE = "commonwatt-migrations"  # A file in the data directory.
MEMORY, ROOM = Path("/dev/shm"), 1 << 30
"""Where files are kept in memory on Linux, and the bytes free there that a cluster of tests may come to need."""
MIGRATE = (sys.executable, "-m", "alembic", "upgrade", "head")


def digest_of_migrations(made_by: str = "", root: Path = ROOT) -> str:
    """Changes whenever what the migrations make would."""
    digest = hashlib.sha256(made_by.encode())
    for path in sorted(path for pattern in INPUTS for path in root.glob(pattern)):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def is_migrated(installation: Installation, data: Path, host: str, port: int = 5432) -> bool:
    """Whether a running cluster already has these migrations, which is told faster than by Alembic."""
    note = data / NOTE
    return note.exists() and note.read_text() == _noted(installation, host, port)


def note_migrated(installation: Installation, data: Path, host: str, port: int = 5432) -> None:
    """Remember that every migration has been applied."""
    (data / NOTE).write_text(_noted(installation, host, port))


def _noted(installation: Installation, host: str, port: int) -> str:
    revision = postgres.ask(installation, host, port, "SELECT version_num FROM alembic_version")
    return f"{digest_of_migrations()} {revision or secrets.token_hex()}"  # Equal to no other when there is none.


def copy_migrated_cluster(
    target: Path,
    installation: Installation,
    *,
    root: Path = ROOT,
    state: Path = STATE,
    migrate: Sequence[str] = MIGRATE,
) -> None:
    """Make `target` a stopped cluster with every migration applied. Raises ClusterFailed."""
    kept = state / f"testpg-{digest_of_migrations(f'{installation.programs} {installation.version}', root)}"
    with _locked(state / "testpg.lock"):  # Test runs may start together, and an older cluster may go.
        if not kept.exists():
            for outdated in state.glob("testpg-*"):
                shutil.rmtree(outdated, ignore_errors=True)
            part = state / "testpg-part"
            _build(part, installation, root, migrate)
            part.rename(kept)
        subprocess.run(["cp", "-a", str(kept), str(target)], check=True)


def url_on_socket(sockets: Path, database: str = postgres.DATABASE) -> str:
    """Without user and host before the database, which most readers of addresses want together or not at all."""
    return f"postgresql+asyncpg:///{database}?host={sockets}&user={postgres.ROLE}"


@contextlib.contextmanager
def socket_directory(*, in_memory: bool = False) -> Iterator[Path]:
    """A closed directory that the server may write to, short enough for the 107 bytes of a socket's path.

    In memory, where there is room, for who makes many databases: a disk's file system takes a second for the 700
    files of one where as many have just been deleted (ext4 passes over fresh inodes one by one), memory 20 ms.
    """
    has_room = in_memory and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    directory = Path(tempfile.mkdtemp(prefix="commonwatt-", dir=MEMORY if has_room else "/tmp"))
    postgres.give_to_server(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _build(data: Path, installation: Installation, root: Path, migrate: Sequence[str]) -> None:
    postgres.create_cluster(installation, data)
    with socket_directory() as sockets, postgres.running(installation, data, postgres.FORGETFUL, sockets):
        environment = os.environ | {"DATABASE_URL": url_on_socket(sockets)}
        done = subprocess.run(migrate, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise postgres.ClusterFailed(f"The migrations failed:\n{done.stdout}{done.stderr}"[-4000:])
        note_migrated(installation, data, str(sockets))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    copy_migrated_cluster(Path(sys.argv[1]), require_postgis())
