"""The log of operations: one line for each, written at once or, while `buffered`, many together.

A line of its own for each operation costs several times what a compiled read does. So a process that serves writes
them together, at the latest after 50 ms, and the last ones when it ends. A process that is killed (SIGKILL, loss of
power) loses the lines of its last 50 ms; nothing else depends on them. All other logs are written at once.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson

from api.transport.terms import identity
from api.transport.terms.operations import Operation

logger = logging.getLogger("commonwatt.operations")

DELAY_SECONDS = 0.05
LINES_MAX = 1_000
MESSAGE = "operation"


class OperationLog:
    """The lines of one app that wait to be written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.timer: asyncio.TimerHandle | None = None

    @contextmanager
    def buffered(self) -> Iterator[None]:
        """Write lines together from here on; at the end write what waits. Needs a running event loop."""
        self.loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            self.loop = None
            self.flush()

    def note(self, operation: Operation, ending: str, seconds: float) -> None:
        """Log an operation that has ended."""
        if not logger.isEnabledFor(logging.INFO):
            return
        if self.loop is None:
            logger.info(MESSAGE, extra={"fields": _with_facts({}, operation, ending, seconds)})
            return
        head = {"at": datetime.now(UTC), "level": "info", "logger": logger.name, "message": MESSAGE}
        line = _with_facts(head, operation, ending, seconds)
        # As `logs.JsonLines` makes it. The text is kept and not the bytes, which orjson has cut from a larger block:
        # to allocate beside many such remainders costs six microseconds a line.
        self.lines.append(orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode())
        if self.timer is None:
            self.timer = self.loop.call_later(DELAY_SECONDS, self.flush)
        elif len(self.lines) >= LINES_MAX:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait, as one record."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.lines:
            text, self.lines = "\n".join(self.lines), []
            logger.info("%s", text, extra={"is_formatted": True})


def _with_facts(line: dict[str, object], operation: Operation, ending: str, seconds: float) -> dict[str, object]:
    codes = operation.codes
    line["requestId"] = operation.request_id
    line["actor"] = None if operation.viewer.is_anonymous else identity.key_of(operation.viewer)
    line["operation"] = operation.name
    line["kind"] = operation.kind
    line["document"] = operation.document_hash
    line["transport"] = operation.transport
    line["cost"] = operation.cost
    line["code"] = codes[0] if codes else None
    line["results"] = operation.results
    line["ending"] = ending
    line["milliseconds"] = round(seconds * 1000, 3)
    return line
