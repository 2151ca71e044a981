"""What bin/up tells whoever starts it: which port it has, where it already runs, and how a line is run."""

import asyncio
import contextlib
import fcntl
import http.server
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bin.devstack import __main__ as devstack
from bin.devstack import address, health
from bin.devstack.installation import ROOT, STATE
from bin.devstack.ports import Ports, PortTaken, any_free, is_free, named_port
from bin.devstack.stack import Place, Stack
from tests.devstack.test_bootstrap import UP, still_running, with_servers

pytestmark = pytest.mark.usefixtures("processes")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# ---- ports


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    first = Ports(tmp_path / "ports.json").choose("postgres")

    assert Ports(tmp_path / "ports.json").choose("postgres") == first


def test_a_preferred_port_wins_while_it_is_free() -> None:
    preferred = any_free()

    assert Ports(None).choose("api", preferred) == preferred


@pytest.mark.parametrize("is_preferred", [True, False])
def test_who_gets_another_port_hears_which_one_was_taken(tmp_path: Path, taken: int, *, is_preferred: bool) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({} if is_preferred else {"api": taken}))
    said: list[str] = []

    port = Ports(tmp_path / "ports.json", said.append).choose("api", taken if is_preferred else None)

    assert port != taken
    assert said == [f"Another program has port {taken}: api uses {port}"]


def test_a_port_that_was_named_is_never_replaced(tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONWATT_PORT", str(taken))

    with pytest.raises(PortTaken, match=f"Another program has port {taken}"):
        asyncio.run(Stack(Place(tmp_path, is_kept=True)).start())

    assert list(tmp_path.glob("logs/*")) == [], "nothing was started"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "8000 ", "٨٠٠٠"])
def test_a_port_is_a_number_of_ports(text: str) -> None:
    with pytest.raises(ValueError, match="COMMONWATT_PORT must be a port"):
        named_port(text)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, ""), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")])
def test_a_port_is_taken_whatever_address_it_is_taken_at(family: socket.AddressFamily, host: str) -> None:
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        assert not is_free(server.getsockname()[1])


# ---- where it runs


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of something alive, which this checkout's bin/up is said to have started."""

    class Alive(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Alive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "ports.json").write_text(json.dumps({"api": server.server_port}))
        monkeypatch.setattr(address, "STATE", tmp_path)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_second_start_on_the_same_data_is_told_where_the_first_one_runs(
    answering: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (STATE / "up.lock").open("a") as lock:
        with contextlib.suppress(BlockingIOError):  # A bin/up of this checkout may hold it already.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

        assert devstack.main([]) == 1

    assert f"already running from this checkout, at {answering} " in capsys.readouterr().err


async def test_a_check_waits_for_as_long_as_readiness_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(503, "relay: failed")] * 200 + [(200, "ready")])
    monkeypatch.setattr(health, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(health, "_status_and_body", lambda request, timeout_s=10: next(answers))

    await health._expect_200("http://commonwatt/readyz", health.READY_WITHIN_S)

    assert list(answers) == []


# ---- running a command


@pytest.mark.parametrize(
    ("command", "is_line"),
    [
        (["a; b"], True),
        (["echo $COMMONWATT_URL"], True),
        (["true && false"], True),
        (["FOO=1 env"], True),
        (["true"], False),
        (["no-such-program"], False),
        (["/bin/sh"], False),
        (["sh", "-c", "a; b"], False),
        (["echo", "a; b"], False),
    ],
)
def test_one_argument_that_is_no_program_is_a_line_for_a_shell(command: list[str], *, is_line: bool) -> None:
    program = devstack.as_program(command)

    assert (program[-2:] == ("-c", command[0])) is is_line
    assert is_line or program == command


@with_servers
def test_a_line_is_run_with_the_status_of_its_end() -> None:
    done = subprocess.run(
        [*UP, "--run", "echo first; echo $COMMONWATT_MEMBER_TOKEN; exit 3"],
        cwd=ROOT, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (3, "first\nmember-token\n"), done.stderr


@with_servers
def test_what_a_line_started_ends_with_it() -> None:
    with subprocess.Popen(
        [*UP, "--run", "sleep 60 & echo $!; wait; echo never"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, stdin=subprocess.DEVNULL,
    ) as supervisor:  # fmt: skip
        assert supervisor.stdout is not None
        sleeping = int(supervisor.stdout.readline())

        supervisor.send_signal(signal.SIGTERM)

        assert supervisor.stdout.read() == ""
        assert supervisor.wait(20) == 130
    assert still_running({sleeping}) == set()


def test_pages_of_this_machine_may_call_what_up_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMMONWATT_ALLOWED_ORIGINS", raising=False)
    started = Stack(Place(tmp_path, is_kept=True)).environment_for_clients()

    assert json.loads(started["COMMONWATT_ALLOWED_ORIGINS"]) == ["http://localhost:*", "http://127.0.0.1:*"]

    monkeypatch.setenv("COMMONWATT_ALLOWED_ORIGINS", '["https://app.example"]')
    assert "app.example" in Stack(Place(tmp_path, is_kept=True)).environment_for_clients()["COMMONWATT_ALLOWED_ORIGINS"]
