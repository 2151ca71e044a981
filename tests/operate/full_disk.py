"""The disk of the database is full for a while: what cannot be written is not acknowledged, and then all goes on."""

import asyncio
import errno
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.progress import say
from tests import places
from tests.operate.site import Row, traded

DISK_BYTES = 1 << 30
FULL_S = 10.0
AWAY_S_MAX = FULL_S + 15.0
CHUNK = bytes(1 << 20)


async def run(directory: Path) -> Sequence[Row]:
    """Fill it up, and make room again. Without the right to mount a disk of its own nothing is done."""
    places.prepare(directory)
    async with _disk(directory / "disk") as disk:
        if disk is None:
            say("no right to mount a disk (root): none is filled")
            return []
        places.with_cluster(disk)
        (directory / "pg").symlink_to(disk / "pg")

        async def fill(_: object) -> None:
            await asyncio.to_thread(_fill, disk / "ballast")
            say("the disk is full")
            await asyncio.sleep(FULL_S)
            (disk / "ballast").unlink()
            say("the disk has room")
            await asyncio.sleep(FULL_S)

        return [await traded(f"disk of the database full, {FULL_S:.0f} s", directory, fill, away_s_max=AWAY_S_MAX)]


@asynccontextmanager
async def _disk(place: Path) -> AsyncIterator[Path | None]:
    """A disk of its own in memory, so that no other is filled; none without the right to mount it."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0755", "commonwatt", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        postgres.give_to_server(place)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def _fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file:
        for size in (len(CHUNK), 4096, 1):
            try:
                while True:
                    file.write(CHUNK[:size])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
