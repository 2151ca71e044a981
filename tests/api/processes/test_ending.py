"""A process ends when it is told to, whatever hangs in it, and with status 0."""

import signal
import subprocess
import sys
import time

import pytest

from bin.devstack.installation import ROOT

HANGING = """
import asyncio, sys, time
from api.processes import ending
ending.CLOSING_S = 0.3
async def main():
    told = asyncio.Event()
    with ending.on_signal(told.set, 0.2):
        print("there", flush=True)
        await told.wait()
        print("told", flush=True)
        await asyncio.to_thread(time.sleep, 60)
asyncio.run(main())
"""
STARTING = """
import time
from api.processes import ending
ending.at_once()
print("there", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("program", "least_s"), [(HANGING, 0.4), (STARTING, 0.0)], ids=["hanging", "starting"])
def test_it_ends_in_time_with_status_0(processes: None, program: str, least_s: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        status = process.wait(10)

    assert status == 0
    assert least_s <= time.monotonic() - began < 5


def test_a_demo_is_served_to_this_machine_only(processes: None) -> None:
    environment = {"DATABASE_URL": "postgresql:///x", "REDIS_URL": "redis://localhost", "COMMONWATT_DEMO": "1"}

    ended = subprocess.run(
        [sys.executable, "-m", "api", "--host", "0.0.0.0", "--port", "0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (ended.returncode, "COMMONWATT_DEMO" in ended.stderr) == (2, True)
    assert "Traceback" not in ended.stderr
