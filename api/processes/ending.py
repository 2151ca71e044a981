"""That a process ends when it is told to, whatever hangs in it."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("commonwatt.ending")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLOSING_S = 5.0  # For connections to be closed and threads to end, after all that was let go on.


def at_once() -> None:
    """Until anything is begun there is nothing to finish: a process that is told to end while it starts just does."""
    for name in SIGNALS:
        signal.signal(name, lambda *_: os._exit(0))


@contextmanager
def on_signal(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """Act when SIGTERM or SIGINT comes in the block; the process has so many seconds from then on, and some to close.

    What does not end by then (a thread in a solver, a server that does not answer) is left behind: nothing that was
    acknowledged depends on it. The exit status is 0 all the same, as the process did what it was told.
    """
    loop = asyncio.get_running_loop()

    def leave_signals() -> None:
        for name in SIGNALS:
            loop.remove_signal_handler(name)

    def told() -> None:
        leave_signals()  # A second one ends the process at once.
        last = threading.Timer(seconds + CLOSING_S, _end)
        last.daemon = True
        last.start()
        act()

    for name in SIGNALS:
        loop.add_signal_handler(name, told)
    try:
        yield
    finally:
        leave_signals()


def _end() -> None:
    logger.error("the process was told to end, and did not within its time: it is ended")
    os._exit(0)
