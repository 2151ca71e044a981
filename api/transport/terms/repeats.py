"""What many meet at once is written once a second, with how often it was met: a thousand sockets fail as one does.

Warnings and errors of all loggers, and whatever uvicorn says of each socket, pass here on their way out. Lines that
differ, such as those that name a job, are not the same line.
"""

import logging
import threading
import time
import traceback
from dataclasses import dataclass

EVERY_S = 1.0
KEPT_MAX = 1_000


@dataclass
class _Burst:
    """Lines of one kind: when the last one was written, and what was held back since."""

    written_s: float
    held: int = 0
    last: logging.LogRecord | None = None


class Repeats(logging.Filter):
    """Lets one line of a kind through in `every_s`; the next one, or a last one, says how many it stands for."""

    def __init__(self, handler: logging.Handler, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._handler = handler
        self._every_s = every_s
        self._bursts: dict[tuple[object, ...], _Burst] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is written now."""
        if record.levelno < logging.WARNING and not record.name.startswith("uvicorn"):
            return True
        kind = _kind_of(record)
        with self._lock:
            now_s = time.monotonic()
            burst = self._bursts.get(kind)
            if burst is None or (not burst.held and now_s - burst.written_s >= self._every_s):
                self._remember(kind, now_s)
                return True
            burst.held, burst.last = burst.held + 1, record
            if burst.held == 1:
                timer = threading.Timer(self._every_s - (now_s - burst.written_s), self._tell, (kind,))
                timer.daemon = True
                timer.start()
            return False

    def _remember(self, kind: tuple[object, ...], now_s: float) -> None:
        if len(self._bursts) >= KEPT_MAX:
            self._bursts = {kind: burst for kind, burst in self._bursts.items() if burst.held}
        self._bursts[kind] = _Burst(now_s)

    def _tell(self, kind: tuple[object, ...]) -> None:
        """Write the last of what was held back."""
        with self._lock:
            burst = self._bursts[kind]
            record, held = burst.last, burst.held
            burst.held, burst.last, burst.written_s = 0, None, time.monotonic()
        if record is not None:
            record.__dict__["fields"] = {**getattr(record, "fields", {}), "times": held}
            with self._handler.lock or threading.Lock():
                self._handler.emit(record)


def _kind_of(record: logging.LogRecord) -> tuple[object, ...]:
    """What lines have in common that say the same. Others' texts name objects, which differ each time."""
    is_ours = record.name.startswith("commonwatt")
    text = record.getMessage() if is_ours else str(record.msg).partition("\n")[0]
    kind, _, trace = record.exc_info or (None, None, None)
    frames = traceback.extract_tb(trace)[-1:]
    return (record.name, record.levelno, text, kind, *((frame.filename, frame.lineno) for frame in frames))
