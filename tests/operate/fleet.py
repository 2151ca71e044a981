"""Three APIs behind nginx as one service: SIGUSR1 restarts them in turn, and a file tells how each of them ended.

As a module it is what `bin/up` starts in the place of one API: `python -m tests.operate.fleet PORT`. nginx goes by
`docs/operations/nginx.conf`, with ports of its own.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2

from bin.devstack.commands import Application
from bin.devstack.installation import ROOT
from bin.devstack.ports import any_free

CONFIGURATION = ROOT / "docs" / "operations" / "nginx.conf"
TOLD = "COMMONWATT_LOGINS_FILE"  # A stack names it to all its services: beside it is what we tell.
APIS = 3
READY_S = 60.0
OURS = """
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
"""


def told_in(environment: Mapping[str, str]) -> Path:
    """The file that tells of restarts, in a list of `status`, `ended_s` and `ready_s`."""
    return Path(environment[TOLD]).with_name("restarts.json")


def program() -> str | None:
    """nginx, where it is installed."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def configuration(port: int, apis: list[int]) -> str:
    """The documented one, for our ports."""
    text = CONFIGURATION.read_text()
    for number, api in enumerate(apis, 1):
        assert f"127.0.0.1:800{number}" in text
        text = text.replace(f"127.0.0.1:800{number}", f"127.0.0.1:{api}")
    text = re.sub(r"listen 8080;", f"listen 127.0.0.1:{port};", text)
    text = text.replace("limit_conn connections 100;", "")  # All clients of a trial have one address.
    return text.replace("http {", "http {" + OURS, 1)


class Api:
    """One of them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Seconds until it was ready."""
        began = time.monotonic()
        self.process = subprocess.Popen([sys.executable, *Application().api, str(self.port)])
        async with httpx2.AsyncClient(trust_env=False) as http:
            while time.monotonic() - began < READY_S:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return time.monotonic() - began
                await asyncio.sleep(0.05)
        raise TimeoutError(f"the API at {self.port} is not ready")

    async def restart(self) -> dict[str, float]:
        """What came of it."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(self.process.wait)
        ended_s = time.monotonic() - began
        return {"status": status, "ended_s": ended_s, "ready_s": await self.start()}


async def serve(port: int) -> None:
    """Until SIGTERM."""
    nginx = program()
    assert nginx is not None
    apis = [Api(any_free()) for _ in range(APIS)]
    loop, ended, asked = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, asked.set)
    await asyncio.gather(*(api.start() for api in apis))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "nginx.conf"
        file.write_text(configuration(port, [api.port for api in apis]))
        front = subprocess.Popen([nginx, "-p", directory, "-c", str(file), "-g", "daemon off;"])
        restarting = asyncio.create_task(_restart_when(asked, apis))
        await ended.wait()
        restarting.cancel()
        front.terminate()
        for api in apis:
            assert api.process is not None
            api.process.terminate()
        front.wait()


async def _restart_when(asked: asyncio.Event, apis: list[Api]) -> None:
    while True:
        await asked.wait()
        asked.clear()
        ends = [await api.restart() for api in apis]
        part = told_in(os.environ).with_suffix(".part")
        part.write_text(json.dumps(ends))
        part.rename(told_in(os.environ))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
