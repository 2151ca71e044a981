"""The GraphQL endpoint: GraphQL over HTTP, event streams, and sockets, on one path."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.documents import caching, requests, responses
from api.transport.documents.requests import GraphQLRequest
from api.transport.executing.execution import Execution
from api.transport.http import compression
from api.transport.limits import devices
from api.transport.live import sockets
from api.transport.live.streams import EventStream
from api.transport.terms import errors, identity, media_types
from api.transport.terms.errors import CodedError
from api.transport.terms.media_types import MediaType
from api.transport.terms.operations import Operation

logger = logging.getLogger("commonwatt.http")

PATIENCE_S = 0.2  # Most operations are done by then, and never pay for a task that watches the client.


class ClientLeft(Exception):
    """Nobody is waiting for the answer any more."""


class GraphQLEndpoint:
    """An ASGI app."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await sockets.serve(scope, receive, send, self.execution)
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        media_type = media_types.preferred(request.headers.get("accept", ""))
        try:
            return await self._run(request, media_type)
        except (errors.PayloadTooLarge, errors.RequestTimeout):
            raise  # `bodies` answers these, and closes the connection.
        except CodedError as error:
            return responses.refusal(error, media_type, self.execution.settings.anonymous_rate)
        except (ClientLeft, ClientDisconnect):
            return Response(status_code=499)  # Nobody reads it; the log of the proxy in front names it so.
        except Exception as error:
            return responses.refusal(errors.refused(error, self.execution.known_exceptions), media_type)

    async def _run(self, request: Request, media_type: MediaType) -> ASGIApp:
        asked = await requests.read(request, self.execution.documents.trusted)
        token = identity.bearer_token(request.headers.get("authorization"))
        is_stream = media_type is MediaType.EVENT_STREAM
        operation = await self.execution.operation(request, token, "sse" if is_stream else "http")
        operation.may_change = asked.may_change
        if is_stream:
            return EventStream(self.execution, asked, operation, request)
        return await self._execute(asked, operation, request, media_type)

    async def _execute(
        self, asked: GraphQLRequest, operation: Operation, request: Request, media_type: MediaType
    ) -> Response:
        async with ends_when_client_leaves(request.receive, operation):
            result = await self.execution.execute(asked, operation, request)
        request.scope[compression.AS_IT_IS] = operation.kind != "query"
        answer = responses.answer(result, media_type, operation)
        if request.method in requests.READING:
            seconds = self.execution.settings.public_max_age_s
            return caching.kept(answer, result, operation, seconds, request.headers.get("if-none-match"))
        if operation.device_cookie is not None:
            name, token = operation.device_cookie
            path, is_secure = self.execution.settings.path, request.url.scheme == "https"
            answer.set_cookie(
                name, token, devices.LIFETIME_S, path=path, secure=is_secure, httponly=True, samesite="strict"
            )
        return answer


@asynccontextmanager
async def ends_when_client_leaves(receive: Receive, operation: Operation) -> AsyncIterator[None]:
    """Stop a query nobody waits for, and with it its statement in the database. What changes things runs to its end."""
    task = asyncio.current_task()
    assert task is not None
    watch = _Watch(task, receive, operation)
    timer = asyncio.get_running_loop().call_later(PATIENCE_S, watch.start)
    try:
        yield
    except asyncio.CancelledError:
        if not watch.has_left:
            raise
        task.uncancel()
        raise ClientLeft from None
    finally:
        timer.cancel()
        watch.stop()


class _Watch:
    def __init__(self, task: asyncio.Task[object], receive: Receive, operation: Operation) -> None:
        self.task = task
        self.receive = receive
        self.operation = operation
        self.has_left = False
        self.watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self.operation.kind == "query":
            self.has_left = True
            self.task.cancel()

    def stop(self) -> None:
        if self.watching is not None:
            self.watching.cancel()
