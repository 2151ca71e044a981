"""Operations answered as server-sent events: graphql-sse, distinct connections mode.

Events are framed with LF, as urql reads no other. Comments keep proxies from closing a quiet stream.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import UTC, datetime

import orjson
from graphql import GraphQLError
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from api.transport import identity
from api.transport.errors import RateLimited, Unauthenticated
from api.transport.live import Live
from api.transport.media_types import MediaType
from api.transport.operations import Operation
from api.transport.responses import STEADY_HEADERS, body_of, refusal

logger = logging.getLogger("commonwatt.streams")

COMPLETE = b"event: complete\ndata:\n\n"
KEEP_ALIVE = b":\n\n"
HEADERS = {
    **STEADY_HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back.
}


class ReadsTooSlowly(Exception):
    """The reader did not take an event in time."""


def next_event(result: ExecutionResult) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(body_of(result)) + b"\n\n"


class EventStream:
    """The answer to one operation, as an ASGI app. Ends with the operation, the token, or when the client leaves."""

    def __init__(
        self,
        results: AsyncGenerator[ExecutionResult, None],
        operation: Operation,
        live: Live,
        keep_alive_s: float,
        send_seconds_max: float,
    ) -> None:
        self.results = results
        self.operation = operation
        self.live = live
        self.keep_alive_s = keep_alive_s
        self.send_seconds_max = send_seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = identity.bucket_key(self.operation.viewer, self.operation.address)
        try:
            with self.live.stream(key):
                await self._stream(receive, send)
        except RateLimited as error:
            await refusal(error, MediaType.EVENT_STREAM)(scope, receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # One task pulls all results, so that what an operation keeps in context variables stays with it.
        events = asyncio.create_task(self._send_events(send))
        gone = asyncio.create_task(_client_leaves(receive))
        try:
            while not (events.done() or gone.done()):
                await asyncio.wait({events, gone}, timeout=self.keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
                if not (events.done() or gone.done()):
                    await send(_chunk(KEEP_ALIVE))
        finally:
            await _stop(events, gone)

    async def _send_events(self, send: Send) -> None:
        async with aclosing(self.results) as results:
            try:
                async with asyncio.timeout(seconds_until(self.operation.viewer.expires_at)):
                    async for result in results:
                        await self._send_in_time(send, next_event(result))
            except TimeoutError:
                await send(_chunk(next_event(_expired())))
        await send(_chunk(COMPLETE))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_in_time(self, send: Send, event: bytes) -> None:
        """Raises ReadsTooSlowly, which ends the connection: the reader resumes from its cursor."""
        try:
            async with asyncio.timeout(self.send_seconds_max):
                await send(_chunk(event))
        except TimeoutError:
            raise ReadsTooSlowly from None


def seconds_until(instant: datetime | None) -> float | None:
    return None if instant is None else max(0.0, (instant - datetime.now(UTC)).total_seconds())


def _expired() -> ExecutionResult:
    error = Unauthenticated("The token expired; open a new stream with a fresh one.")
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])


def _chunk(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stop(*tasks: asyncio.Task[None]) -> None:
    """End the tasks and let them finish their clean-up."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            try:
                await task
            except ReadsTooSlowly:
                logger.info("A stream ended as its reader was too slow")
            except Exception as error:
                logger.error("A stream broke", exc_info=error)
