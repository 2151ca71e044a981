"""Bodies that are too large or come too slowly: uvicorn bounds neither."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.documents.responses import refusal
from api.transport.terms.errors import BadUserInput, CodedError, PayloadTooLarge, RequestTimeout
from api.transport.terms.media_types import preferred

DISCARDED_BYTES_MAX = 8 * 1024 * 1024
DISCARDED_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class BodyLimit:
    bytes_max: int
    seconds_max: float  # From the first read to the last byte.


class BodyLimits:
    """Holds requests to the limit of their path: the one of the longest prefix, else the default."""

    def __init__(self, app: ASGIApp, default: BodyLimit, by_prefix: Mapping[str, BodyLimit] | None = None) -> None:
        self.app = app
        self.default = default
        self.by_prefix = dict(sorted((by_prefix or {}).items(), key=lambda item: -len(item[0])))

    def limit_of(self, path: str) -> BodyLimit:
        return next((limit for prefix, limit in self.by_prefix.items() if path.startswith(prefix)), self.default)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.limit_of(scope["path"]))
        reply = _Reply(send)
        try:
            body.check_length(Headers(scope=scope).get("content-length"))
            await self.app(scope, body.receive, reply.send)
        except CodedError as error:
            if reply.has_started:
                raise
            if isinstance(error, PayloadTooLarge):
                await body.discard()
            response = refusal(error, preferred(Headers(scope=scope).get("accept", "")))
            response.headers["Connection"] = "close"  # The rest of the body is not read.
            await response(scope, receive, send)


class _Body:
    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._receive = receive
        self.limit = limit
        self.bytes = 0
        self.is_complete = False
        self.deadline_s: float | None = None

    def check_length(self, content_length: str | None) -> None:
        """Raises PayloadTooLarge before anything is read."""
        if content_length is None:
            return
        if not content_length.isascii() or not content_length.isdigit():
            raise BadUserInput("Content-Length must be a number.")
        if int(content_length[:20]) > self.limit.bytes_max:
            raise self._too_large()

    async def receive(self) -> Message:
        if self.is_complete:
            return await self._receive()  # Waits for the client to leave.
        message = await self._in_time()
        if message["type"] != "http.request":
            return message
        self.bytes += len(message.get("body", b""))
        if self.bytes > self.limit.bytes_max:
            raise self._too_large()
        self.is_complete = not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        self.deadline_s = self.deadline_s or asyncio.get_running_loop().time() + self.limit.seconds_max
        try:
            async with asyncio.timeout_at(self.deadline_s):
                return await self._receive()
        except TimeoutError:
            raise RequestTimeout(f"The body did not arrive within {self.limit.seconds_max:g} s.") from None

    async def discard(self) -> None:
        """Read some more and forget it: most clients read no answer before they have sent their whole body."""
        most = self.bytes + DISCARDED_BYTES_MAX
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARDED_SECONDS_MAX):
                while not self.is_complete and self.bytes < most:
                    message = await self._receive()
                    self.bytes += len(message.get("body", b""))
                    self.is_complete = not message.get("more_body", False)

    def _too_large(self) -> PayloadTooLarge:
        most = self.limit.bytes_max
        return PayloadTooLarge(f"The body is larger than the {most} bytes allowed here.", limit=most)


class _Reply:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_started = False

    async def send(self, message: Message) -> None:
        self.has_started = self.has_started or message["type"] == "http.response.start"
        await self._send(message)
