"""Machines whose clocks are wrong: a process is told another time of day, which may jump while it runs.

A library that is loaded before all others shifts what the system says, to Python and to all that is compiled: nothing
of ours has to know of it. It needs a C compiler, as whoever builds packages has one.
"""

import asyncio
import random
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SOURCE = Path(__file__).with_name("shifted.c")
SECONDS = struct.Struct("<q")
SKEWS_S = (-3_600, -600, 600, 3_660, 0)
JUMPS_EVERY_S = 3.0


def has_compiler() -> bool:
    """Whether the library can be made here."""
    return shutil.which("cc") is not None


def compiled(directory: Path) -> Path:
    """The library, made in a directory."""
    library = directory / "shifted.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True)
    return library


def environment(library: Path, file: Path) -> dict[str, str]:
    """What a process has to be started with to go by the clock of a file."""
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(file)}


class ShiftedClock:
    """The clock of one process, that of the machine until it is set."""

    def __init__(self, library: Path, file: Path) -> None:
        self.file = file
        self.library = library
        file.write_bytes(SECONDS.pack(0))

    @property
    def environment(self) -> dict[str, str]:
        """What its process has to be started with."""
        return environment(self.library, self.file)

    def started(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Arguments to the interpreter that start its process, where its environment is that of others."""
        return ("-m", "tests.skewing", str(self.library), str(self.file), *arguments)

    def jump_to(self, ahead_s: int) -> None:
        """Let it be so far ahead from now on, and behind where that is below zero."""
        with self.file.open("r+b") as written:
            written.write(SECONDS.pack(ahead_s))


async def jump(clocks: Mapping[str, ShiftedClock], seed: int) -> None:
    """Let the clock of some process jump every few seconds, as the seed says, for ever; at last all are put right."""
    chance = random.Random(seed)
    try:
        while True:
            await asyncio.sleep(JUMPS_EVERY_S)
            clocks[chance.choice(sorted(clocks))].jump_to(chance.choice(SKEWS_S))
    finally:
        for clock in clocks.values():
            clock.jump_to(0)
