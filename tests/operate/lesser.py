"""A start in production: who owns the tables has no right over the server, and who serves them no home.

Their login is another than the owner's, and they have no right to write the code, as the units say.
As a module it becomes such a process: `python -m tests.operate.lesser UNIT [ARGUMENT...]` leaves all rights, sees the
checkout read-only, forgets the environment but for settings, and runs what ExecStart of a unit says.
"""

import asyncio
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bin.devstack.commands import Application
from bin.devstack.installation import ROOT
from bin.devstack.processes import PR_SET_PDEATHSIG
from bin.devstack.progress import say
from tests import places
from tests.operate import roles
from tests.operate.site import Row, traded

UNITS = ROOT / "docs" / "operations"
NOBODY = 54_321  # A user that no file knows.
CLONE_NEWNS = 0x00020000
AWAY_S_MAX = 2.0
FOR_S = 10.0
KEPT = ("DATABASE_URL", "REDIS_URL")
APPLICATION = replace(
    Application(),
    migrate=("-c", ""),  # Their login may not; the owner has.
    api=("-m", __name__, "commonwatt-api@.service"),
    worker=("-m", __name__, "commonwatt-worker@.service"),
    relay=("-m", __name__, "commonwatt-relay.service"),
)


async def run(directory: Path) -> Sequence[Row]:
    """Have the owner migrate, and trade for a while."""
    what = "started by lesser roles, a user without home"
    if not can_become_one():
        say(f"{what}: needs root and namespaces, left out")
        return []
    places.prepare(directory)
    server = await roles.server_with_roles(directory)
    os.environ["DATABASE_URL"] = roles.url_of(server, roles.LOGIN)
    with tempfile.TemporaryDirectory() as mail:
        os.chown(mail, NOBODY, NOBODY)
        os.environ["COMMONWATT_MAIL_DIRECTORY"] = mail

        async def wait(_: object) -> None:
            await asyncio.sleep(FOR_S)

        try:
            return [await traded(what, directory, wait, away_s_max=AWAY_S_MAX, application=APPLICATION)]
        finally:
            await server.stop()


def can_become_one() -> bool:
    """Whether we may make a view of the file system for ourselves, and leave our rights."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0


def command_of(unit: str, instance: str) -> list[str]:
    """What ExecStart says, by our interpreter."""
    (line,) = [line for line in (UNITS / unit).read_text().splitlines() if line.startswith("ExecStart=")]
    _, *arguments = shlex.split(line.removeprefix("ExecStart=").replace("%i", instance))
    return [sys.executable, *arguments]


def become(unit: str, instance: str = "1") -> None:
    """Never gives back."""
    environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("COMMONWATT_")}
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _mount("--make-rprivate", "/")
    _show_interpreter()
    _mount("--bind", str(ROOT), str(ROOT))
    _mount("-o", "remount,ro,bind", str(ROOT))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # A change of user has undone it.
    os.chdir(ROOT)
    os.execve(sys.executable, command_of(unit, instance), environment)


def _show_interpreter() -> None:
    """Where Python is installed in a home that is closed to others, let only Python be seen there."""
    prefix = Path(sys.base_prefix)
    closed = next((place for place in reversed(prefix.parents) if not place.stat().st_mode & 0o001), None)
    if closed is not None:
        aside = tempfile.mkdtemp()
        _mount("--bind", str(prefix), aside)
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed))
        prefix.mkdir(parents=True)
        _mount("--bind", aside, str(prefix))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    become(sys.argv[1], *sys.argv[2:])
