"""Large answers go out as gzip to who accepts it, compressed beside the event loop where that takes long.

What a mutation answers may be a token beside a text of the caller's, and what is compressed together tells its secrets
by its length (BREACH): it is sent as it is. Event streams are, too.
"""

import asyncio
import zlib
from functools import lru_cache

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.terms import media_types

BYTES_MIN = 8 * 1024  # Below, a packet or two are saved for a tenth of a millisecond of the processor.
BYTES_BESIDE = 32 * 1024  # From here on a thread does it: half a millisecond and more.
LEVEL = 4
GZIP = 31  # zlib's window bits for the form of gzip.
AS_IT_IS = "commonwatt.as_it_is"  # Set in the scope of requests whose answers hold secrets.
TEXTS = ("application/json", "application/graphql-response+json", "application/geo+json", "text/csv", "text/plain")


class Compression:
    """An ASGI app around the one that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(
            name == b"accept-encoding" and takes_gzip(value) for name, value in scope["headers"]
        ):
            send = _Compressed(scope, send).send
        await self.app(scope, receive, send)


class _Compressed:
    """Sends one answer, compressed where that is worth it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._start: Message | None = None  # Held back until the first part of the body says how it is sent.
        self._compress: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._may_compress(message):
            self._start = message
        elif message["type"] == "http.response.body":
            await self._send_body(message)
        else:
            await self._send(message)

    def _may_compress(self, start: Message) -> bool:
        headers = MutableHeaders(scope=start)
        kind = headers.get("content-type", "").partition(";")[0].strip()
        is_fixed = "content-encoding" in headers or "no-transform" in headers.get("cache-control", "")
        return kind in TEXTS and not is_fixed and not self._scope.get(AS_IT_IS) and self._scope["method"] != "HEAD"

    async def _send_body(self, message: Message) -> None:
        body, is_more = message.get("body", b""), message.get("more_body", False)
        start, self._start = self._start, None
        if start is not None and (is_more or len(body) >= BYTES_MIN):
            self._compress = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        if self._compress is not None:
            body = await self._compressed(body, is_more=is_more)
        if start is not None:
            await self._send(start if self._compress is None else _as_gzip(start, None if is_more else len(body)))
        if body or not is_more:
            await self._send({**message, "body": body})

    async def _compressed(self, body: bytes, *, is_more: bool) -> bytes:
        compress = self._compress
        assert compress is not None

        def compressed() -> bytes:
            return compress.compress(body) + (b"" if is_more else compress.flush())

        return await asyncio.to_thread(compressed) if len(body) >= BYTES_BESIDE else compressed()


def _as_gzip(start: Message, length: int | None) -> Message:
    """The start of an answer whose body is compressed, of a length that is known or not yet."""
    headers = MutableHeaders(scope=start)
    headers["Content-Encoding"] = "gzip"
    if "Accept-Encoding" not in headers.get("vary", ""):
        headers.add_vary_header("Accept-Encoding")
    del headers["Content-Length"]
    if length is not None:
        headers["Content-Length"] = str(length)
    return start


@lru_cache(maxsize=1_000)
def takes_gzip(accepted: bytes) -> bool:
    return media_types.accepts(accepted.decode("latin-1"), "gzip")
