"""What the person at the terminal sees."""

import contextlib
import sys
import time
from collections.abc import Iterator

_began_at = time.monotonic()


def say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def seconds_so_far() -> float:
    return time.monotonic() - _began_at


@contextlib.contextmanager
def step(label: str) -> Iterator[None]:
    """One line for one step, written when it is done, with the seconds it took."""
    began_at = time.monotonic()
    yield
    say(f"{label:<46} {time.monotonic() - began_at:.1f} s")
