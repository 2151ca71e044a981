"""Three tiers of tests, told from what a test asks for and never from a list.

- `rules` needs no server and no process, and its modules import nothing of `api`.
- `most` is what starts no process of its own: without stacks, command lines and the like.
- `whole` is everything.

Every database and every Valkey is reached through the fixtures in SERVERS, and who starts a process asks for the
fixture `processes`. A test that does otherwise fails, in every tier: `forbid` sees to it.
"""

import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SERVERS = frozenset({"server", "valkey_url"})
PROCESSES = "processes"
TIERS = {"rules": SERVERS | {PROCESSES}, "most": frozenset({PROCESSES}), "whole": frozenset[str]()}
"""Of each tier the fixtures that its tests do without."""


class NetworkIsOff(ConnectionError):
    """Tests speak only to this machine, and those of rules to nobody."""


class ProcessesAreOff(RuntimeError):
    """A test that starts a process asks for the fixture `processes`."""


class WithoutApi:
    """Finds no `api`: a module of tests that wants it is left out, a test that wants it fails."""

    is_collecting = True

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "api":
            return None
        if self.is_collecting:
            pytest.skip("imports api", allow_module_level=True)
        raise ModuleNotFoundError(f"A test of rules imports {name}.", name=name)


def begin(config: pytest.Config) -> None:
    if config.getoption("tier") == "rules":
        assert "api" not in sys.modules
        sys.meta_path.insert(0, WithoutApi())


def forget(report: pytest.CollectReport) -> None:
    """A module that was left out is only half there: who imports something from it shall be left out, too."""
    if report.skipped:
        sys.modules.pop(report.nodeid.removesuffix(".py").replace("/", "."), None)


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what asks for more than the tier has."""
    forbidden = TIERS[config.getoption("tier")]
    left_out = [item for item in items if forbidden.intersection(getattr(item, "fixturenames", ()))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    for finder in sys.meta_path:
        if isinstance(finder, WithoutApi):
            finder.is_collecting = False


def forbid(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the length of a test, let it reach only what it asks for."""
    is_of_rules = request.config.getoption("tier") == "rules"
    connect = socket.socket.connect

    def connect_nearby(self: socket.socket, address: Any) -> None:
        is_far = self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK
        if is_far or is_of_rules:
            raise NetworkIsOff(f"A test tried to reach {address}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_nearby)
    if PROCESSES not in request.fixturenames:
        monkeypatch.setattr(subprocess.Popen, "__init__", _refuse)


def _refuse(self: Any, arguments: Any, *more: Any, **options: Any) -> None:
    self.returncode, self._child_created = None, False  # What its end looks at.
    raise ProcessesAreOff(f"A test tried to start {arguments}.")
