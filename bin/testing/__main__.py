"""`bin/test`: pytest, by one worker for each core unless few tests are named. Any argument of pytest may follow."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

FILES_ALONE_MAX = 4  # So many files are run sooner than workers are started.
WORKERS = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")  # The order is that of tests/dealing.py.
ALONE = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "--co", "--fixtures", "-h", "--help", "--version")


def are_for_workers(arguments: Sequence[str]) -> bool:
    """Whether workers pay: not for a few files, nor where the caller says how many or wants to watch one process."""
    if any(argument.startswith(ALONE) for argument in arguments):
        return False
    named = [Path(argument.partition("::")[0]) for argument in arguments if not argument.startswith("-")]
    files = {
        file for path in named if path.exists() for file in ([path] if path.is_file() else path.rglob("test_*.py"))
    }
    return not files or len(files) > FILES_ALONE_MAX


def main(arguments: Sequence[str]) -> int:
    return pytest.main([*(WORKERS if are_for_workers(arguments) else ()), *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
