"""What time it is for markets, meters and grids: the machine's time, unless a file says otherwise.

A day of trading can be told in minutes, and told again the same: where the setting `clock_file` names a file, its first
eight bytes are the time for every process, in microseconds since 1970, and whoever plays the day moves it on. Tokens,
leases, jobs and the audit log keep the database's time, payments that of the world outside. Nothing of it is reached
without the setting.
"""

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = struct.Struct("<q")
FILE = os.environ.get("COMMONWATT_CLOCK_FILE")  # Asked many times a second, also where no other setting is there.


def now() -> datetime:
    """The instant at which something happens."""
    if FILE is None:
        return datetime.now(UTC)
    (at,) = MICROSECONDS.unpack_from(_mapped(FILE))
    return EPOCH + timedelta(microseconds=at)


def outside() -> datetime:
    """The instant for whom we pay with, who knows nothing of a file: by it answers are signed, and are too old."""
    return datetime.now(UTC)


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
