"""Operations answered as server-sent events: graphql-sse, distinct connections mode.

Events are framed with LF, as urql reads no other. Comments keep proxies from closing a quiet stream.
"""

import asyncio
import logging
from contextlib import aclosing, suppress
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from api.transport.documents.requests import GraphQLRequest
from api.transport.documents.responses import STEADY_HEADERS, body_of, refusal
from api.transport.executing import shares
from api.transport.executing.encoding import Encoded
from api.transport.executing.execution import Execution
from api.transport.executing.subscribers import Subscriber
from api.transport.live.mailboxes import Mailbox, MailboxClosed
from api.transport.observing.observations import Observations
from api.transport.terms import identity, instants
from api.transport.terms.errors import RateLimited, Unauthenticated
from api.transport.terms.media_types import MediaType
from api.transport.terms.operations import Operation

logger = logging.getLogger("commonwatt.streams")

COMPLETE = b"event: complete\ndata:\n\n"
KEEP_ALIVE = b":\n\n"
LAST = {"type": "http.response.body", "body": b"", "more_body": False}
HEADERS = {
    **STEADY_HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back.
}


def next_event(result: ExecutionResult) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(body_of(result)) + b"\n\n"


class EventStream:
    """The answer to one operation, as an ASGI app. Ends with the operation, the token, or when the client leaves."""

    def __init__(
        self, execution: Execution, request: GraphQLRequest, operation: Operation, connection: HTTPConnection
    ) -> None:
        self.execution = execution
        self.request = request
        self.operation = operation
        self.connection = connection
        self.has_left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = identity.bucket_key(self.operation.viewer, self.operation.address)
        try:
            self.execution.live.take_stream(key)
        except RateLimited as error:
            await refusal(error, MediaType.EVENT_STREAM)(scope, receive, send)
            return
        try:
            await self._stream(receive, send)
        finally:
            self.execution.live.give_stream_back(key)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        settings = self.execution.settings
        mailbox: Mailbox[bytes] = Mailbox(
            lambda event: _sending(send, event), settings.mailbox, give_up=lambda: _give_up(events)
        )
        # One task pulls all results, so that what an operation keeps in context variables stays with it.
        events = asyncio.create_task(self._send_events(mailbox, send))
        gone = asyncio.create_task(_client_leaves(receive))
        leave = partial(self._leave, events)
        self.execution.stopping.join(leave)
        try:
            while not (events.done() or gone.done()):
                seconds = settings.keep_alive_seconds
                await asyncio.wait({events, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if not (events.done() or gone.done()):
                    mailbox.put(KEEP_ALIVE)
        finally:
            mailbox.close()
            await _stop(events, gone)
            self.execution.stopping.part(leave)
        if self.has_left:
            await send(LAST)

    def _leave(self, events: asyncio.Task[None]) -> None:
        """As the process ends: without `complete`, so that the client comes back. What is no subscription runs on."""
        if self.operation.kind in (None, "subscription"):
            self.has_left = True
            events.cancel()

    async def _send_events(self, mailbox: Mailbox[bytes], send: Send) -> None:
        outlet = StreamOutlet(mailbox, self.execution.observations, self.operation)
        subscriber = Subscriber(self.execution.shares, self.request, self.operation, self.connection, outlet)
        shares.begin(subscriber)
        try:
            async with asyncio.timeout(seconds_until(self.operation.viewer.expires_at)):
                await self._send_results(mailbox)
                if subscriber.is_caught_up:
                    subscriber.go_on_shared()
                    await outlet.over.wait()
        except TimeoutError:
            mailbox.put(next_event(_expired()))
        finally:
            subscriber.end()
        await mailbox.send(COMPLETE)
        await send(LAST)

    async def _send_results(self, mailbox: Mailbox[bytes]) -> None:
        async with aclosing(self.execution.stream(self.request, self.operation, self.connection)) as results:
            async for result in results:
                await mailbox.send(next_event(result))


class StreamOutlet:
    """Results of a share as events."""

    def __init__(self, mailbox: Mailbox[bytes], observations: Observations, operation: Operation) -> None:
        self.mailbox = mailbox
        self.observations = observations
        self.operation = operation
        self.over = asyncio.Event()

    def next(self, result: Encoded, extensions: dict[str, Any]) -> None:
        body = result.text_with(extensions).encode() if extensions else result.body
        self.mailbox.put(b"event: next\ndata: " + body + b"\n\n")

    def refuse(self, result: Encoded) -> None:
        self.mailbox.put(b"event: next\ndata: " + orjson.dumps({"errors": result.errors}) + b"\n\n")
        self.over.set()

    def complete(self) -> None:
        self.over.set()

    def ended(self, ending: str) -> None:
        if self.operation.is_handed_over:
            self.observations.note(self.operation, ending)


def seconds_until(instant: datetime | None) -> float | None:
    return None if instant is None else max(0.0, (instant - instants.now()).total_seconds())


def _expired() -> ExecutionResult:
    error = Unauthenticated("The token expired; open a new stream with a fresh one.")
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])


async def _sending(send: Send, event: bytes) -> None:
    await send(_chunk(event))


def _give_up(events: asyncio.Task[None]) -> None:
    logger.info("A stream ended as its reader was too slow")
    events.cancel()


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
            except MailboxClosed:
                pass  # The client has left.
            except Exception as error:
                logger.error("A stream broke", exc_info=error)
