"""A tier holds what it says, and what a test reaches behind its back fails."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bin.testing import watching
from bin.testing.arguments import WORKERS, Wanted
from tests import tiers

RULE = "tests/domain/kernel/test_quantities.py"


def test_nobody_starts_a_process_unasked() -> None:
    with pytest.raises(tiers.ProcessesAreOff):
        subprocess.run([sys.executable, "-c", "pass"], check=True)


def test_nobody_reaches_another_machine() -> None:
    with socket.socket() as asking, pytest.raises(tiers.NetworkIsOff):
        asking.connect(("192.0.2.1", 80))


def test_rules_do_without_api(pytestconfig: pytest.Config) -> None:
    """In their own tier this looks at all of them, since it is collected with them."""
    assert pytestconfig.getoption("tier") != "rules" or not any(name.partition(".")[0] == "api" for name in sys.modules)


def test_rules_that_want_api_or_a_server_fail(pytester_free_folder: Path, processes: None) -> None:
    (pytester_free_folder / "test_lazy.py").write_text(
        "import socket\n"
        "def test_of_a_rule(): pass\n"
        "def test_that_imports_api():\n    import api.graphql.schema\n"
        "def test_that_connects():\n    socket.socket(socket.AF_UNIX).connect('/nowhere')\n"
        "async def test_of_a_database(session): pass\n"
    )
    (pytester_free_folder / "test_of_api.py").write_text("import api\ndef test_left_out(): raise ValueError\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--tier=rules", "-q", "-p", "no:cacheprovider", pytester_free_folder],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 failed, 1 passed, 1 skipped, 1 deselected" in done.stdout, done.stdout


@pytest.fixture
def pytester_free_folder(tmp_path: Path) -> Path:
    """A folder that takes its fixtures from tests/conftest.py."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *  # noqa\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "tier", "has_workers"),
    [
        ("", "most", True),
        ("-q -k allocation", "most", True),
        ("whole -q", "whole", True),
        ("rules", "rules", True),
        ("rules -n0", "rules", False),
        (RULE, "whole", False),
        (f"rules {RULE}::test_one", "rules", False),
        ("tests/domain", "whole", True),
        ("tests/domain/identity", "whole", False),
        ("--co", "most", False),
    ],
)
def test_arguments_say_what_runs(arguments: str, tier: str, has_workers: bool) -> None:
    made = Wanted.read(arguments.split()).for_pytest()

    assert made[0] == f"--tier={tier}"
    assert (tuple(made[1 : 1 + len(WORKERS)]) == WORKERS) == has_workers


def test_a_saved_file_wakes_the_tests_of_its_room(tmp_path: Path) -> None:
    for room in ("domain/ledger", "api/ledger", "api", "domain/market/orders"):
        (tmp_path / "tests" / room).mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / room / "test_it.py").touch()

    def woken(*files: str) -> list[str]:
        return watching.rooms_of([tmp_path / file for file in files], tmp_path)

    assert woken("domain/ledger/transfers.py") == ["tests/api/ledger", "tests/domain/ledger"]
    assert woken("tests/api/ledger/test_it.py") == ["tests/api/ledger"]
    assert woken("domain/market/orders/deep/new.py") == ["tests/domain/market/orders"]
    assert woken("domain/ledger/a.py", "tests/domain/test_any.py") == ["tests/api/ledger", "tests/domain"]
    assert woken("tests/strategies.py") == ["tests"]
    assert woken() == []
