"""Start Commonwatt with all it needs, and stop it again."""

import argparse
import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from bin.devstack import health
from bin.devstack.address import api_url
from bin.devstack.commands import Application
from bin.devstack.installation import ROOT, STATE, NothingInstalled
from bin.devstack.ports import PortTaken
from bin.devstack.postgres import ClusterFailed
from bin.devstack.processes import ProcessFailed, dying_with_parent
from bin.devstack.progress import seconds_so_far, step
from bin.devstack.stack import Place, Stack

INTERRUPTED = 130
NOT_FOUND = 127
CANNOT_GO_ON = (ProcessFailed, ClusterFailed, NothingInstalled, PortTaken, health.Unhealthy, ValueError)

Work = Callable[[Stack], Awaitable[int]]


class AlreadyRunning(Exception):
    """Another bin/up holds the data of this checkout."""


def main(arguments: Sequence[str] | None = None, application: Application | None = None) -> int:
    """`application` lets a test supervise other programs than Commonwatt's own."""
    options = _parser().parse_args(arguments)
    work, is_kept = _chosen_work(options)
    try:
        with _kept_directory() if is_kept else _throw_away_directory() as directory:
            place = Place(directory, is_kept, not options.no_demo, application or Application())
            return asyncio.run(_start_work_stop(Stack(place), work))
    except AlreadyRunning as reason:
        print(f"up: {reason}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/up", description=__doc__)
    parser.add_argument("--no-demo", action="store_true", help="start without demo data and log-ins")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--run",
        nargs=argparse.REMAINDER,
        metavar="CMD",
        help="on free ports and throw-away data: run CMD with COMMONWATT_URL, COMMONWATT_ADMIN_TOKEN, "
        "COMMONWATT_MEMBER_TOKEN, DATABASE_URL and REDIS_URL set, stop, and exit with its status; "
        "a line in quotes, such as 'a; b', is run by a shell",
    )
    instead.add_argument("--check", action="store_true", help="the same with a health check in place of CMD")
    return parser


def _chosen_work(options: argparse.Namespace) -> tuple[Work, bool]:
    """What to do while everything runs, and whether the data is kept."""
    if options.check:
        return _check, False
    if options.run is not None:
        if not any(options.run):
            _parser().error("--run wants a command")
        return lambda stack: _run(stack, options.run), False
    return _serve, True


async def _start_work_stop(stack: Stack, work: Work) -> int:
    async def start_and_work() -> int:
        await stack.start()
        return await work(stack)

    task = asyncio.create_task(start_and_work())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # As under nohup.
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED
    except CANNOT_GO_ON as reason:
        print(f"up: {reason}", file=sys.stderr)
        return 1
    finally:
        with step("Stopped"):
            await stack.stop()


async def _serve(stack: Stack) -> int:
    print(_welcome(stack), flush=True)
    await stack.watch()
    return 1


async def _check(stack: Stack) -> int:
    token = stack.environment_for_clients().get("COMMONWATT_ADMIN_TOKEN")

    async def look() -> int:
        await health.check(stack.url, token)
        return 0

    return await stack.beside(look())


async def _run(stack: Stack, command: Sequence[str]) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *as_program(command),
            env=stack.environment_for_clients(),
            preexec_fn=dying_with_parent(signal.SIGKILL),
            process_group=None if sys.stdin.isatty() else 0,  # A shell at a terminal reads from it.
        )
    except OSError as reason:
        print(f"up: {command[0]}: {reason.strerror}", file=sys.stderr)
        return NOT_FOUND
    try:
        status = await stack.beside(process.wait())
        return status if status >= 0 else 128 - status
    finally:
        await _end(process)


def as_program(command: Sequence[str]) -> Sequence[str]:
    """A program with its arguments: one argument that is no program's name is a line for a shell."""
    line = command[0]
    if len(command) > 1 or re.fullmatch(r"[\w./+-]+", line) or shutil.which(line):
        return command
    return (shutil.which("bash") or "/bin/sh", "-c", line)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 3)
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To all of a shell line, where it has a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _welcome(stack: Stack) -> str:
    lines = [
        f"\nCommonwatt is up after {seconds_so_far():.1f} s.\n",
        f"  GraphQL     {stack.url}/graphql",
        f"  GraphiQL    {stack.url}/graphiql  (for administrators)",
        f"  Health      {stack.url}/healthz  /readyz  /healthz/platform  /metrics",
        f"  Logs        {os.path.relpath(ROOT / '.local/logs')}",
    ]
    logins = stack.logins().get("logins", [])
    if logins:
        lines.append("\n  Demo log-ins")
        lines += [f"  {login['role']:<12}{login['email']:<32}{login['password']}" for login in logins]
    for name in ("admin_token", "member_token", "partner_key"):
        if name in stack.logins():
            lines.append(f"  {name.replace('_', ' '):<44}{stack.logins()[name]}")
    return "\n".join([*lines, "\nCtrl-C stops everything."])


@contextlib.contextmanager
def _kept_directory() -> Iterator[Path]:
    with (STATE / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_where()) from None
        yield STATE


def _where() -> str:
    """What runs from this checkout, and at which address."""
    url = api_url()
    if url is None:
        return "Commonwatt is already starting from this checkout."
    state = "running" if health.is_alive(url) else "starting"
    return f"Commonwatt is already {state} from this checkout, at {url} (GraphiQL: {url}/graphiql)."


@contextlib.contextmanager
def _throw_away_directory() -> Iterator[Path]:
    for left_over in STATE.glob("throwaway-*"):
        if not _is_running(int(left_over.name.partition("-")[2])):
            shutil.rmtree(left_over, ignore_errors=True)
    directory = STATE / f"throwaway-{os.getpid()}"
    directory.mkdir()
    try:
        yield directory
    finally:
        kept_logs = STATE / "logs-of-last-run"
        shutil.rmtree(kept_logs, ignore_errors=True)
        with contextlib.suppress(OSError):
            (directory / "logs").rename(kept_logs)
        shutil.rmtree(directory, ignore_errors=True)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    sys.exit(main())
