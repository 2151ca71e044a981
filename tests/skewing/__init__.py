"""Machines whose clocks are wrong: a process is told another time of day, which may jump while it runs.

A library that is loaded before all others shifts what the system says, to Python and to all that is compiled: nothing
of ours has to know of it. It needs a C compiler, as whoever builds packages has one.
"""

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("shifted.c")
SECONDS = struct.Struct("<q")


def has_compiler() -> bool:
    """Whether the library can be made here."""
    return shutil.which("cc") is not None


def compiled(directory: Path) -> Path:
    """The library, made in a directory."""
    library = directory / "shifted.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True)
    return library


class ShiftedClock:
    """The clock of one process, that of the machine until it is set."""

    def __init__(self, library: Path, file: Path) -> None:
        self.file = file
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(file)}
        file.write_bytes(SECONDS.pack(0))

    def jump_to(self, ahead_s: int) -> None:
        """Let it be so far ahead from now on, and behind where that is below zero."""
        with self.file.open("r+b") as written:
            written.write(SECONDS.pack(ahead_s))
