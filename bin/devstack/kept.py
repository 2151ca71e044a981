"""A migrated server for tests that stays between runs, so that one test need not wait for PostgreSQL to start.

    python -m bin.devstack.kept NAME STATE IDLE_S      the keeper, which the first user starts

Users hold a shared lock on `<name>.users` for as long as they live, so that one that crashes has left. When the keeper
gets that lock alone nobody is there: it drops what dead users left behind, and in the end the server.
A server is named for what it was made of; users of other migrations get another one.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from bin.devstack import migrated, postgres
from bin.devstack.installation import ROOT, STATE, Installation, require_postgis

LOOKS = 300  # While it is idle, and before it ends.
START_S = 120.0  # On a fresh machine the migrations run first.
LEFT_BEHIND = "SELECT datname FROM pg_database WHERE datname LIKE 'commonwatt_test_%'"


@dataclass(frozen=True, slots=True)
class Place:
    """The files by which users and keeper find each other, and how long the keeper waits for the next user."""

    name: str
    state: Path = STATE
    idle_s: float = 600.0

    @property
    def users(self) -> Path:
        return self.state / f"{self.name}.users"

    @property
    def keeper(self) -> Path:
        """Locked by the keeper while it lives; its process id and the directory of its socket."""
        return self.state / f"{self.name}.keeper"

    @property
    def log(self) -> Path:
        return self.state / f"{self.name}.log"


def place_for(installation: Installation) -> Place:
    settings = json.dumps(postgres.FORGETFUL, sort_keys=True)
    made_by = hashlib.sha256(f"{installation.programs} {installation.version} {settings}".encode()).hexdigest()
    return Place(f"kept-{migrated.digest_of_migrations(made_by)}")


@contextlib.contextmanager
def used(place: Place) -> Iterator[Path]:
    """The directory of the socket of a running server, which stays for the length of a block. Raises ClusterFailed."""
    with place.users.open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # From here on no keeper leaves.
        os.utime(place.users)
        with place.users.with_suffix(".first").open("a") as first:
            fcntl.flock(first, fcntl.LOCK_EX)  # Of several who come first, one starts it.
            directory = _directory_of_running(place) or _started(place)
        yield directory


def _directory_of_running(place: Place) -> Path | None:
    with contextlib.suppress(FileNotFoundError), place.keeper.open() as written:
        if not _is_free(written):
            return Path(json.load(written)["directory"])
    return None


def _is_free(file: IO[str]) -> bool:
    """Whether nobody holds the file's lock; if so, it is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(place: Place) -> Path:
    with contextlib.suppress(FileNotFoundError):  # One that was killed could not take its directory away.
        shutil.rmtree(json.loads(place.keeper.read_text())["directory"], ignore_errors=True)
        place.keeper.unlink()
    with place.log.open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "bin.devstack.kept", place.name, str(place.state), str(place.idle_s)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while (directory := _directory_of_running(place)) is None:
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise postgres.ClusterFailed(f"The server for tests did not start:\n{place.log.read_text()[-2000:]}")
        time.sleep(0.02)
    keeper.returncode = 0  # It outlives us, which is no cause for a warning.
    return directory


def keep(place: Place) -> None:
    """Run the server until nobody has used it for a while, or until SIGTERM."""
    signal.signal(signal.SIGTERM, _end)
    installation = require_postgis()
    part = place.keeper.with_suffix(".part")
    with part.open("w") as written, migrated.socket_directory(in_memory=True) as directory:
        fcntl.flock(written, fcntl.LOCK_EX)
        json.dump({"process_id": os.getpid(), "directory": str(directory)}, written)
        written.flush()
        migrated.copy_migrated_cluster(directory / "data", installation)
        with postgres.running(installation, directory / "data", postgres.FORGETFUL, directory, stop=signal.SIGQUIT):
            part.rename(place.keeper)
            try:
                _wait_until_idle(place, installation, directory)
            finally:
                place.keeper.unlink()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _wait_until_idle(place: Place, installation: Installation, directory: Path) -> None:
    """Returns with the lock of the users in hand, so that the next one finds either all of the server or none."""
    users = place.users.open("a")
    last_use, swept_at = time.time(), 0.0
    while True:
        time.sleep(place.idle_s / LOOKS)
        if not _is_free(users):
            last_use = time.time()
            continue
        last_use = max(last_use, place.users.stat().st_mtime)
        if time.time() - last_use > place.idle_s:
            return
        if swept_at < last_use:
            _drop_left_behind(installation, directory)
            swept_at = time.time()
        fcntl.flock(users, fcntl.LOCK_UN)


def _drop_left_behind(installation: Installation, directory: Path) -> None:
    for name in postgres.ask(installation, str(directory), 5432, LEFT_BEHIND).splitlines():
        postgres.ask(installation, str(directory), 5432, f'DROP DATABASE "{name}" WITH (FORCE)')


def stop(state: Path = STATE) -> int:
    """End the keepers of a checkout and wait for them; returns how many there were."""
    ended = 0
    for path in state.glob("kept-*.keeper"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), path.open() as written:
            if not _is_free(written):
                os.kill(json.load(written)["process_id"], signal.SIGTERM)
                fcntl.flock(written, fcntl.LOCK_EX)
                ended += 1
    return ended


if __name__ == "__main__":
    keep(Place(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
