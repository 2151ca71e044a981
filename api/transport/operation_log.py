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

from api.transport.operations import Operation

logger = logging.getLogger("commonwatt.operations")

DELAY_SECONDS = 0.05
LINES_MAX = 1_000
MESSAGE = "operation"


class OperationLog:
    """The lines of one app that wait to be written."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
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

    def note(self, operation: Operation, ending: str) -> None:
        """Log an operation that has ended."""
        if not logger.isEnabledFor(logging.INFO):
            return
        if self.loop is None:
            logger.info(MESSAGE, extra={"fields": _fields(operation, ending)})
            return
        self.lines.append(_line(operation, ending))
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
            text, self.lines = b"\n".join(self.lines).decode(), []
            logger.info("%s", text, extra={"is_formatted": True})


def _line(operation: Operation, ending: str) -> bytes:
    """What `logs.JsonLines` makes of the same facts."""
    return orjson.dumps(
        {
            "at": datetime.now(UTC),
            "level": "info",
            "logger": logger.name,
            "message": MESSAGE,
            **_fields(operation, ending),
        },
        default=str,
        option=orjson.OPT_UTC_Z,
    )


def _fields(operation: Operation, ending: str) -> dict[str, object]:
    return {
        "requestId": operation.request_id,
        "actor": None if operation.viewer.is_anonymous else operation.viewer.key,
        "operation": operation.name,
        "kind": operation.kind,
        "document": operation.document_hash,
        "transport": operation.transport,
        "cost": operation.cost,
        "code": operation.code,
        "results": operation.results,
        "ending": ending,
        "milliseconds": round(operation.seconds() * 1000, 3),
    }
