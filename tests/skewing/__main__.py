"""Run a program of Python by a shifted clock: `python -m tests.skewing LIBRARY FILE ARGUMENT...`."""

import os
import sys
from pathlib import Path

from tests.skewing import environment


def main() -> None:
    library, file, *arguments = sys.argv[1:]
    given = os.environ | environment(Path(library), Path(file))
    os.execve(sys.executable, [sys.executable, *arguments], given)


main()
