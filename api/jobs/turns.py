"""Short turns: what a job solves in a thread leaves the event loop of its worker free to renew leases and serve others.

Decision, 2026-11-21: solving happens in a thread, not in a process of its own. The solvers give up the interpreter's
lock where they compute, so what is left to share is Python; a process would need the book pickled, which for a hundred
thousand open intervals holds the lock for more than a second, while a thread needs nothing copied. Measured by
`tests/bench/market_stall.py`.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_S = 0.0005  # A thread that computes in Python hands over this soon to one that waits.
FULL_COLLECTION_AFTER = (
    1_000  # Collections of younger objects: a few million objects made without a pause between jobs.
)


class Turns:
    """Keeps turns short in this process, and full garbage collections to the pauses between jobs."""

    def __init__(self) -> None:
        self._running = 0
        young, middle, _ = gc.get_threshold()
        gc.collect()
        gc.freeze()  # What is loaded by now stays.
        gc.set_threshold(young, middle, FULL_COLLECTION_AFTER)  # One over a large book takes a quarter of a second.
        sys.setswitchinterval(SWITCH_S)

    @contextmanager
    def job(self) -> Iterator[None]:
        """The length of a job; what it leaves behind is collected when no other one is running."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if self._running == 0:
                gc.collect()
