"""The server that stays between runs of tests: who comes later finds it, and nothing of it stays for ever."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bin.devstack import kept, postgres
from bin.devstack.installation import ROOT, Installation, find_postgis
from bin.devstack.kept import Place

pytestmark = [
    pytest.mark.usefixtures("processes"),
    pytest.mark.skipif(
        find_postgis() is None or bool(os.environ.get("DATABASE_URL")), reason="no PostGIS of this checkout"
    ),
]
USE = """
import sys
from bin.devstack.kept import *
with used(Place("kept-t", Path(sys.argv[1]), 3.0)) as directory:
    print(directory, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield Place("kept-t", tmp_path, idle_s=3.0)
    kept.stop(tmp_path)


@pytest.fixture
def installation() -> Installation:
    found = find_postgis()
    assert found is not None
    return found


def test_the_next_run_finds_the_server_and_it_ends_when_nobody_comes(place: Place) -> None:
    with kept.used(place) as first:
        process_id = _server_of(first)
    with kept.used(place) as second:
        assert (second, _server_of(second)) == (first, process_id)
        time.sleep(place.idle_s + 1)
        assert _server_of(second) == process_id

    assert _comes(lambda: not first.exists() and not place.keeper.exists())


def test_runs_that_start_together_share_one(place: Place) -> None:
    users = [_user(place) for _ in range(4)]

    told = {user.stdout.readline() for user in users if user.stdout}

    for user in users:
        user.communicate("\n")
    assert len(told) == 1


def test_what_a_killed_run_left_behind_is_dropped(place: Place, installation: Installation) -> None:
    user = _user(place)
    assert user.stdout is not None
    directory = user.stdout.readline().strip()
    postgres.ask(installation, directory, 5432, "CREATE DATABASE commonwatt_test_1_1")

    user.kill()
    user.communicate()

    assert _comes(lambda: postgres.ask(installation, directory, 5432, kept.LEFT_BEHIND) == "")


def test_a_killed_keeper_is_followed_by_another(place: Place) -> None:
    with kept.used(place) as first:
        postmaster = _server_of(first)
        os.kill(_keeper(place), signal.SIGKILL)
        assert _comes(lambda: not _runs(postmaster))

    with kept.used(place) as second:
        assert _runs(_server_of(second))

    assert not first.exists()


def test_it_is_ended_by_hand(place: Place) -> None:
    with kept.used(place) as directory:
        pass

    assert (kept.stop(place.state), kept.stop(place.state)) == (1, 0)
    assert not directory.exists()


def _user(place: Place) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USE, str(place.state)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _server_of(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def _keeper(place: Place) -> int:
    return int(json.loads(place.keeper.read_text())["process_id"])


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def _comes(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()
