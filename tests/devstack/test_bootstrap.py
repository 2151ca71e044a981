"""bin/setup and bin/up: what is found, started, restarted and stopped. Small stand-ins take Commonwatt's place."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bin import uv_environment
from bin.devstack import processes
from bin.devstack.beside import url_of_database
from bin.devstack.installation import ROOT, STATE, find_postgis
from bin.devstack.processes import Command, ProcessFailed, Supervisor
from bin.devstack.stack import with_asyncpg

pytestmark = pytest.mark.usefixtures("processes")
UP = (sys.executable, "-m", "tests.devstack.stand_ins", "up")

with_servers = pytest.mark.skipif(
    find_postgis() is None or bool(os.environ.get("DATABASE_URL")), reason="no PostGIS of this checkout: run bin/setup"
)


# ---- the whole stack


@pytest.fixture
def sleeping_stack() -> Iterator[subprocess.Popen[str]]:
    """A supervisor whose stack is up and whose command sleeps."""
    command = [*UP, "--run", "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "ready\n"
        yield supervisor
        with contextlib.suppress(ProcessLookupError):
            supervisor.kill()


@with_servers
def test_a_command_gets_the_addresses_and_its_status_is_handed_on() -> None:
    show = "import json, os; print(json.dumps(dict(os.environ))); raise SystemExit(7)"

    done = subprocess.run(
        [*UP, "--run", sys.executable, "-c", show], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert done.returncode == 7, done.stderr
    given = json.loads(done.stdout)
    assert given["COMMONWATT_ADMIN_TOKEN"] == "admin-token"
    assert given["COMMONWATT_MEMBER_TOKEN"] == "member-token"
    ports = [
        re.fullmatch(pattern, given[name])[1]  # type: ignore[index]
        for name, pattern in {
            "COMMONWATT_URL": r"http://127\.0\.0\.1:(\d+)",
            "DATABASE_URL": r"postgresql\+asyncpg://commonwatt:[\w-]+@127\.0\.0\.1:(\d+)/commonwatt",
            "REDIS_URL": r"redis://127\.0\.0\.1:(\d+)/0",
        }.items()
    ]
    assert [port for port in ports if _accepts(int(port))] == []
    assert not Path(given["COMMONWATT_LOGINS_FILE"]).parent.exists()


@with_servers
def test_without_a_demo_there_are_no_tokens() -> None:
    show = "import os; raise SystemExit('COMMONWATT_ADMIN_TOKEN' in os.environ or 'COMMONWATT_DEMO' in os.environ)"

    done = subprocess.run(
        [*UP, "--no-demo", "--run", sys.executable, "-c", show], cwd=ROOT, check=False, capture_output=True
    )

    assert done.returncode == 0, done.stderr


@with_servers
def test_an_interrupt_stops_everything_in_order(sleeping_stack: subprocess.Popen[str]) -> None:
    started = _descendants(sleeping_stack.pid)
    began_at = time.monotonic()

    sleeping_stack.send_signal(signal.SIGINT)

    assert sleeping_stack.wait(10) == 130
    assert time.monotonic() - began_at < 2  # Measured: 0.3 s; a busy machine needs longer.
    assert len(started) >= 10
    assert still_running(started) == set()
    log = (STATE / "logs-of-last-run" / "postgres.log").read_text()
    assert "database system is shut down" in log


@with_servers
def test_nothing_survives_a_kill_of_the_supervisor(sleeping_stack: subprocess.Popen[str]) -> None:
    started = _descendants(sleeping_stack.pid)

    sleeping_stack.kill()

    assert len(started) >= 10
    deadline = time.monotonic() + 5
    while still_running(started) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert still_running(started) == set()


@with_servers
def test_a_killed_worker_comes_back(sleeping_stack: subprocess.Popen[str]) -> None:
    written = STATE / f"throwaway-{sleeping_stack.pid}" / "worker.pid"
    first = _process_id_in(written, other_than=0)

    os.kill(first, signal.SIGKILL)

    assert _process_id_in(written, other_than=first) in _descendants(sleeping_stack.pid)


@with_servers
def test_a_failed_demo_is_shown_and_ends_the_start() -> None:
    environment = os.environ | {"STAND_IN_LOAD": "fail"}

    done = subprocess.run(
        [*UP, "--run", "true"], cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "demo ended with status 1" in done.stderr
    assert "nothing works today" in done.stderr


# ---- the supervisor


@pytest.fixture
async def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path, tmp_path, lambda line: None)


def a_command(script: str, *, name: str = "child", stage: int = 0) -> Command:
    return Command(name, ("sh", "-c", script), os.environ, stage)


async def test_gives_up_on_a_child_that_keeps_ending(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "RESTART_DELAY_S", 0.001)
    await supervisor.start(a_command("echo started; exit 3"))

    with pytest.raises(ProcessFailed, match=r"child ended with status 3"):
        await supervisor.watch()

    await supervisor.stop()
    assert (tmp_path / "child.log").read_text() == "started\n" * 6


async def test_a_child_that_ends_before_it_is_ready_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessFailed, match=r"(?s)status 4.*no luck"):
        await supervisor.start(a_command("echo no luck; exit 4"), lambda _: False)

    await supervisor.stop()


async def test_stages_stop_from_the_highest_down(supervisor: Supervisor, tmp_path: Path) -> None:
    for name, stage in {"database": 1, "api": 3, "worker": 2}.items():
        stopping = f"trap 'echo {name} >> order; exit' TERM; touch {name}; while :; do sleep 0.01; done"
        await supervisor.start(a_command(stopping, name=name, stage=stage), lambda _, n=name: (tmp_path / n).exists())  # type: ignore[misc]

    await supervisor.stop()

    assert (tmp_path / "order").read_text().split() == ["api", "worker", "database"]


async def test_what_a_child_started_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    written = tmp_path / "grandchild"
    await supervisor.start(a_command(f"sleep 60 & echo $! > {written}; wait"), lambda _: written.exists())
    grandchild = _process_id_in(written, other_than=0)

    await supervisor.stop()

    assert still_running({grandchild}) == set()


# ---- what is found


def test_a_postgresql_without_postgis_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _install(tmp_path / "system", 17, with_postgis=False)
    _install(tmp_path / "system", 15, with_postgis=True)

    found = find_postgis(tmp_path / "state", tmp_path / "system")

    assert found is not None
    assert (found.version, dict(found.environment)) == (15, {})


def test_the_unpacked_postgresql_brings_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _install(tmp_path / "state/sys", 16, with_postgis=True)
    blas = tmp_path / "state/sys/usr/lib/x86_64-linux-gnu/blas"
    blas.mkdir(parents=True)

    found = find_postgis(tmp_path / "state", tmp_path / "system")

    assert found is not None
    assert found.environment["LD_LIBRARY_PATH"] == f"{blas.parent}:{blas}"


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert find_postgis(tmp_path, tmp_path) is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_any_postgresql_address_is_understood(scheme: str) -> None:
    assert with_asyncpg(f"{scheme}://me:secret@db:5433/power") == "postgresql+asyncpg://me:secret@db:5433/power"


@pytest.mark.parametrize("address", ["mysql://db/power", "db/power", ""])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must start with postgresql://"):
        with_asyncpg(address)


def test_a_database_beside_keeps_the_rest_of_the_address() -> None:
    there = "postgresql+asyncpg://me@/power?host=/run/postgresql"

    assert url_of_database(there, "other") == "postgresql+asyncpg://me@/other?host=/run/postgresql"


# ---- setup


def test_uv_learns_what_pip_is_configured_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*uv_environment.UV_NAME_OF_SETTING.values(), "UV_INDEX_STRATEGY"]:
        monkeypatch.delenv(name, raising=False)
    lines = [
        "global.index-url='https://mirror.example/simple'",
        f"global.extra-index-url='file://{tmp_path} file:///nowhere/at/all https://second.example/simple'",
        "global.find-links='/nowhere/at/all'",
        f":env:.cert='{tmp_path}'",
        "global.cert='/nowhere/at/all'",
        "global.disable-pip-version-check='1'",
    ]

    settings = uv_environment.pip_settings(lines)

    assert dict(uv_environment.uv_environment(settings)) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": f"file://{tmp_path} https://second.example/simple",
        "SSL_CERT_FILE": str(tmp_path),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_uv_was_told_itself_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example/simple")
    monkeypatch.setenv("UV_INDEX_STRATEGY", "first-index")

    assert dict(uv_environment.uv_environment({"index-url": "https://other.example/simple"})) == {}


@pytest.mark.skipif(not (STATE / "stamp").exists(), reason="bin/setup has not run here")
def test_setup_has_nothing_to_do_the_second_time() -> None:
    began_at = time.monotonic()

    done = subprocess.run([ROOT / "bin/setup"], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began_at < 2  # Measured: 0.1 s.


# ---- helpers of these tests


def _install(system: Path, version: int, *, with_postgis: bool) -> None:
    """Programs that only answer as pg_config does."""
    programs = system / f"usr/lib/postgresql/{version}/bin"
    share = system / f"usr/share/postgresql/{version}"
    programs.mkdir(parents=True)
    (share / "extension").mkdir(parents=True)
    if with_postgis:
        (share / "extension/postgis.control").touch()
    script = f'#!/bin/sh\n[ "$1" = --sharedir ] && echo {share} || echo "PostgreSQL {version}.3 (Debian)"\n'
    for name in ("postgres", "initdb", "pg_config"):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _descendants(process_id: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = {process_id}
    while more := {child for child, parent in pairs if parent in found} - found:
        found |= more
    return found - {process_id}


def still_running(process_ids: set[int]) -> set[int]:
    """Those that have not ended; one whose status nobody has fetched yet has ended."""
    listed = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    states = dict(line.split() for line in listed.splitlines())
    return {pid for pid in process_ids if not states.get(str(pid), "Z").startswith("Z")}


def _process_id_in(path: Path, *, other_than: int) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        text = path.read_text().strip() if path.exists() else ""
        if text and int(text) != other_than:
            return int(text)
        time.sleep(0.02)
    raise AssertionError(f"no new process id in {path}")
