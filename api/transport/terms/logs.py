"""Logs as JSON lines, tied together by a request id. Never variables, tokens or readings."""

import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid4

from api.transport.terms.repeats import Repeats

HEADER = "X-Request-Id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str:
    """The id of the request or socket this task serves; a new one outside of any."""
    return _request_id.get() or new_id()


def new_id() -> str:
    """A request id of our own."""
    return uuid4().hex


def begin(request_id: str) -> None:
    """Let this task's logs carry a request id. Each request has a task, so nothing is put back."""
    _request_id.set(request_id)


def accepted_id(given: str) -> str:
    """The caller's own request id when it is well-formed, else a new one."""
    return given if ACCEPTED_ID.fullmatch(given) else new_id()


class RequestIds:
    """Gives every request an id, the caller's own when it is well-formed, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        id_ = accepted_id(Headers(scope=scope).get(HEADER, ""))
        begin(id_)
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)  # Frames have no headers, and there are many of them.
            return

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = id_
            await send(message)

        await self.app(scope, receive, send_with_id)


class JsonLines(logging.Formatter):
    """One JSON object per record; what a record carries in `fields` becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, "is_formatted", False):
            return record.getMessage()  # Lines of `operation_log`.
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _request_id.get() is not None:
            line["requestId"] = _request_id.get()
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = _traceback(*record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


def _traceback(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> str:
    return "".join(traceback.format_exception(kind, error, trace))


def configure_logs(level: str = "INFO") -> None:
    """Send all logs to standard error as JSON lines. Call once, in the process that serves."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(Repeats(handler))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # It logs addresses and query strings; operations are logged.
