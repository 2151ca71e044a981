"""Where a stack trades that something is done to: a directory of its own, its settings, and clocks that can jump."""

import os
import shutil
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bin.devstack import migrated
from bin.devstack.commands import Application
from bin.devstack.installation import require_postgis
from bin.devstack.ports import any_free
from bin.devstack.progress import say
from bin.devstack.stack import Place, Stack
from tests import skewing
from tests.skewing import ShiftedClock

T = TypeVar("T")


def forget_settings() -> None:
    """Whatever the caller's environment says, a stack of our own goes by its own."""
    for name in list(os.environ):
        if name.startswith("COMMONWATT_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]


def emptied(directory: Path) -> Path:
    """The directory, made anew."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def prepare(directory: Path) -> None:
    """The settings of a stack that plays a day in a directory; whom it pays and asks how often is no matter."""
    forget_settings()
    os.environ |= {
        "COMMONWATT_PORT": str(any_free()),
        "COMMONWATT_CLOCK_FILE": str(directory / "clock"),
        "COMMONWATT_MAIL_DIRECTORY": str(directory / "mail"),
        "COMMONWATT_PAYMENT_DELAY_S": "0.2",
        "COMMONWATT_RATE_CAPACITY": "1000000000",
        "COMMONWATT_RATE_REFILL_PER_S": "1000000",
    }


def with_cluster(directory: Path) -> None:
    """Save the stack the time of its migrations."""
    migrated.copy_migrated_cluster(directory / "pg", require_postgis())


def stack_in(directory: Path, application: Application | None = None) -> Stack:
    """A durable stack without demo data; it does not run yet."""
    return Stack(Place(directory, is_kept=True, has_demo=False, application=application or Application()))


async def during(stack: Stack, work: Awaitable[T]) -> T:
    """Bring a stack up, work, and bring it down. Raises ProcessFailed when a service does not come back."""
    try:
        await stack.start()
        return await stack.beside(work)
    finally:
        await stack.stop()


def shifted(directory: Path) -> tuple[dict[str, ShiftedClock], Application]:
    """Clocks of the processes, and how these are started by them; none without a C compiler."""
    plain = Application()
    if not skewing.has_compiler():
        say("no C compiler (cc): clocks do not jump")
        return {}, plain
    library = skewing.compiled(directory)
    clocks = {name: ShiftedClock(library, directory / f"shift-{name}") for name in ("api", "worker", "relay")}
    started = {name: clock.started(getattr(plain, name)) for name, clock in clocks.items()}
    return clocks, replace(plain, **started)
