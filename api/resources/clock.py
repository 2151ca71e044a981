"""What time it is: the database's time, or for markets, meters and grids what a file says.

Decision, 2026-11-30: one clock, the database's. A relay ten minutes ahead had numbered batches that no other could
follow, and an API ten minutes behind took orders for deliveries that had begun. Each process measures how far the
database's clock is from its own monotonic one: on every connection that it opens, before it acts, and every two
seconds. So `now()` costs no statement, errs by half a round trip at most, and a machine whose clock is wrong, or is put
right, works as any other. Ids begin with this time: a commit takes longer than the estimate errs, so what is made after
an answer was had sorts after what that answer tells of, whichever processes made them. Weighed: asking in each
transaction costs a round trip where locks are held.
A machine more than two seconds off still decides rightly, but its logs and certificates do not: it warns and is not
ready (`/readyz`), so that somebody looks. All processes of a platform are unready where the database's clock is wrong.

A day of trading can be told in minutes, and told again the same: where the setting `clock_file` names a file, its first
eight bytes are the time for every process, in microseconds since 1970, and whoever plays the day moves it on. Tokens,
leases, jobs, ids, payments and the audit log keep the database's time. Nothing of it is reached without the setting.
"""

import asyncio
import contextlib
import logging
import mmap
import os
import struct
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from api.resources.bare_pool import ERRORS
from api.transport.terms import instants
from api.transport.terms.instants import EPOCH, SHARED
from api.transport.terms.instants import now as outside

__all__ = ["ahead_s", "check", "keep", "measure", "move_to", "now", "outside"]

logger = logging.getLogger("commonwatt.clock")
MICROSECONDS = struct.Struct("<q")
FILE = os.environ.get("COMMONWATT_CLOCK_FILE")  # Asked many times a second, also where no other setting is there.
SHOWN = "SELECT clock_timestamp()"
MEASURE_S = 2.0
APART_S_MAX = 2.0
WARN_EVERY_S = 60.0

Fetch = Callable[[str], Awaitable[Any]]
ahead_s = SHARED.ahead_s


class ClocksDiffer(RuntimeError):
    """The machine's clock is too far from the database's, or nobody knows how far."""


def now() -> datetime:
    """The instant at which something happens."""
    if FILE is None:
        return outside()
    (at,) = MICROSECONDS.unpack_from(_mapped(FILE))
    return EPOCH + timedelta(microseconds=at)


async def measure(fetch: Fetch) -> None:
    """Compare the clocks, by what gives the first row of a statement. Raises what that raises."""
    asked_ns = instants.uptime_ns()
    row = await fetch(SHOWN)
    moved_s = instants.take(asked_ns, row[0])
    if abs(moved_s) > APART_S_MAX:
        logger.warning("the database's clock was moved by %+.3f s", moved_s)


async def keep(fetch: Fetch) -> None:
    """Compare the clocks for ever, and warn of a difference; while the database is away the last comparison holds."""
    warned_s = -WARN_EVERY_S
    while True:
        with contextlib.suppress(*ERRORS):
            await measure(fetch)
        if abs(ahead_s()) > APART_S_MAX and time.monotonic() - warned_s >= WARN_EVERY_S:
            warned_s = time.monotonic()
            logger.warning("this machine's clock is %+.0f s from the database's, which all goes by", ahead_s())
        await asyncio.sleep(MEASURE_S)


async def check() -> None:
    """Raises ClocksDiffer where this machine's clock is too far from the database's."""
    if not SHARED.is_measured:
        raise ClocksDiffer("The database's clock is not known yet.")
    if abs(ahead_s()) > APART_S_MAX:
        raise ClocksDiffer(f"This machine's clock is {ahead_s():+.3f} s from the database's.")


def move_to(file: Path, at: datetime) -> None:
    """Set the time that processes read from a file; it is made where there is none."""
    content = MICROSECONDS.pack((at - EPOCH) // timedelta(microseconds=1))
    if not file.exists():
        file.write_bytes(content)
        return
    with file.open("r+b") as written:
        written.write(content)  # Eight aligned bytes: readers see the time before or after, nothing in between.


@cache
def _mapped(file: str) -> mmap.mmap:
    with Path(file).open("rb") as opened:
        return mmap.mmap(opened.fileno(), MICROSECONDS.size, access=mmap.ACCESS_READ)
