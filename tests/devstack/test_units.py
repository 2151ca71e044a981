"""The units for systemd are ones that it takes, and say what the processes are tried with."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.processes.ending import CLOSING_S
from api.resources.settings import Settings
from bin.devstack.installation import ROOT

DIRECTORY = ROOT / "docs" / "operations"
UNITS = sorted(DIRECTORY.glob("commonwatt*.service"))
PYTHON = "/opt/commonwatt/.local/venv/bin/python"


def said(unit: Path, name: str) -> str:
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith(f"{name}=")]
    return line.partition("=")[2]


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_a_unit_starts_a_process_that_is_there_and_lets_it_end(unit: Path) -> None:
    python, flag, module, *_ = said(unit, "ExecStart").split()
    defaults = Settings.model_fields

    assert (python, flag) == (PYTHON, "-m")
    assert importlib.util.find_spec(f"{module}.__main__" if module == "api" else module) is not None
    assert float(said(unit, "TimeoutStopSec")) > defaults["drain_s"].default + defaults["stop_s"].default + CLOSING_S
    assert said(unit, "RestartPreventExitStatus") == "2"


def test_systemd_takes_the_units(processes: None, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in DIRECTORY.glob("commonwatt*.*"):
        text = unit.read_text().replace(PYTHON, sys.executable).replace("/opt/commonwatt", str(ROOT))
        (tmp_path / unit.name).write_text(text)
    names = ["commonwatt-api@8001.service", "commonwatt-worker@1.service", "commonwatt-relay.service"]

    verified = subprocess.run(
        [program, "verify", "--man=no", *(f"./{name}" for name in (*names, "commonwatt.target"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
