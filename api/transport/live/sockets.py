"""Operations over WebSocket, by the graphql-transport-ws protocol.

Strawberry's handler keeps the protocol's states. Here are: who may connect, well-formed frames, caps, the end of a
token, and one fresh operation per subscription instead of one context per socket.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.http.websocket_origin import is_same_origin
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import PreExecutionError

from api.transport.documents.requests import GraphQLRequest
from api.transport.executing import shares
from api.transport.executing.encoding import Encoded
from api.transport.executing.execution import Execution
from api.transport.executing.subscribers import Subscriber
from api.transport.live import frames
from api.transport.live.socket_adapter import SocketAdapter
from api.transport.live.streams import seconds_until
from api.transport.terms import errors, identity, operations
from api.transport.terms.errors import CodedError, ErrorCode, Forbidden, RateLimited, Unauthenticated
from api.transport.terms.origins import Origins

PROTOCOL = "graphql-transport-ws"
LOOK_S = 0.1
POLICY_VIOLATION, INTERNAL_ERROR, SERVICE_RESTART, TRY_AGAIN_LATER = 1008, 1011, 1012, 1013
BAD_REQUEST, FORBIDDEN, SUBPROTOCOL_NOT_ACCEPTABLE, TOO_MANY_INITS = 4400, 4403, 4406, 4429


async def serve(scope: Scope, receive: Receive, send: Send, execution: Execution) -> None:
    """Answer a handshake: 403 to foreign pages, 4406 to other protocols, else serve until either side closes."""
    websocket = WebSocket(scope, receive, send)
    if not is_origin_allowed(websocket.headers, execution.settings.allowed_origins):
        await websocket.close(POLICY_VIOLATION)  # Before accepting: the server answers 403.
        return
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    await SocketHandler(websocket, send, execution).handle()


def is_origin_allowed(headers: Mapping[str, str], allowed_origins: tuple[str, ...]) -> bool:
    """Whether the page that opens a socket may. Callers without an origin are not browsers."""
    origin = headers.get("origin")
    return origin is None or is_same_origin(origin, headers.get("host")) or origin in Origins(allowed_origins)


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """One socket from its handshake to its end."""

    def __init__(self, websocket: WebSocket, send: Send, execution: Execution) -> None:
        settings = execution.settings
        adapter = SocketAdapter(websocket, send, settings, self._give_up)
        super().__init__(
            view=None,  # type: ignore[arg-type]  # Only on_ws_connect of a view is used, which we replace.
            websocket=adapter,  # type: ignore[arg-type]
            context=None,
            root_value=None,
            schema=execution.schema,
            connection_init_wait_timeout=timedelta(seconds=settings.connection_init_seconds_max),
            max_subscriptions_per_connection=None,  # We refuse with a code instead.
        )
        self.connection = websocket
        self.execution = execution
        self.mailbox = adapter.mailbox
        self.viewer: identity.Viewer | None = None
        self.held: str | None = None  # Under which name we stand among the connections of one viewer.
        self.shared: dict[str, Subscriber] = {}  # Those of its operations that a share gives their results.
        self.reading: asyncio.Task[Any] | None = None
        self.closing: asyncio.Task[None] | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self.running: dict[str, operations.Operation] = {}  # Those that have a task, by their ids.
        self.leaving: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        address = identity.network_of(identity.address_of(self.connection))
        try:
            self._hold(f"waiting:{address}")
        except RateLimited as error:
            await self.websocket.close(TRY_AGAIN_LATER, error.message)
            return
        self.reading = asyncio.current_task()
        self.execution.stopping.join(self._leave)
        try:
            await super().handle()
        except asyncio.CancelledError:
            if self.closing is None:
                raise
            assert self.reading is not None
            self.reading.uncancel()

    async def shutdown(self) -> None:
        self._let_go()
        self.execution.stopping.part(self._leave)
        self.mailbox.close()
        if self.expiry is not None:
            self.expiry.cancel()
        await super().shutdown()

    def _hold(self, key: str) -> None:
        self._let_go()
        self.execution.live.take_connection(key)
        self.held = key

    def _let_go(self) -> None:
        if self.held is not None:
            self.execution.live.give_connection_back(self.held)
            self.held = None

    def _give_up(self) -> None:
        self._close_soon(TRY_AGAIN_LATER, "Reading too slowly: resume from your cursor")

    def _close_soon(self, code: int, reason: str) -> None:
        """Close from where nothing can wait. Subscriptions end at once, and reading when the close cannot be sent."""
        if self.closing is None:
            for id in list(self.operations):
                self._end_operation(id)
            self.closing = asyncio.create_task(self._close(code, reason))

    def _leave(self) -> None:
        self.leaving = self.leaving or asyncio.create_task(self._answer_and_leave())

    async def _answer_and_leave(self) -> None:
        """As the process ends: what was asked is answered, then the client is sent elsewhere."""
        while asked := [each.task for id, each in self.operations.items() if each.task and self._will_end(id)]:
            await asyncio.wait(asked, timeout=LOOK_S)  # Some are not known yet to be subscriptions.
        self._close_soon(SERVICE_RESTART, "Restarting: connect again, and resume from your cursors")

    def _will_end(self, id: str) -> bool:
        return id not in self.running or self.running[id].kind != "subscription"

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(self.execution.settings.send_seconds_max):
                await self.websocket.close(code, reason)
            self.execution.stopping.part(self._leave)
        except TimeoutError:
            assert self.reading is not None
            self.reading.cancel()

    async def handle_message(self, message: Any) -> None:
        fault = frames.fault_of(message)
        if fault is not None:
            await self.handle_invalid_message(fault)
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        if self.connection_timed_out:
            return
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY_INITS, "Too many initialisation requests")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task is not None:
            self.connection_init_timeout_task.cancel()
            self.connection_init_timeout_task = None
        if await self._let_in(message.get("payload") or {}):
            await self.send_message({"type": "connection_ack"})
            self.connection_acknowledged = True

    async def _let_in(self, payload: Mapping[str, object]) -> bool:
        """Find out who this is; a socket that may not stay is closed with the reason."""
        try:
            await self._admit(payload)
        except (Unauthenticated, Forbidden) as error:
            await self.websocket.close(FORBIDDEN, error.message)
        except CodedError as error:
            await self.websocket.close(TRY_AGAIN_LATER, error.message)
        except Exception as cause:
            shown = errors.refused(cause, self.execution.known_exceptions)
            if shown.code is ErrorCode.INTERNAL:
                await self.websocket.close(INTERNAL_ERROR, "Unexpected error")
            else:
                await self.websocket.close(TRY_AGAIN_LATER, shown.message)
        return self.viewer is not None

    async def _admit(self, payload: Mapping[str, object]) -> None:
        token = identity.token_of_connection_params(payload, self.connection.headers.get("authorization"))
        address = identity.address_of(self.connection)
        viewer = await self.execution.authenticate(token, address)
        self._hold(identity.bucket_key(viewer, address))
        self.viewer = viewer
        seconds = seconds_until(viewer.expires_at)
        if seconds is not None:
            # Clients take 4401 for final; after 4403 they try again, with a fresh token.
            expire = partial(self._close_soon, FORBIDDEN, "The token expired")
            self.expiry = asyncio.get_running_loop().call_later(seconds, expire)

    async def handle_subscribe(self, message: Any) -> None:
        most = self.execution.settings.subscriptions_per_connection
        if self.connection_acknowledged and message["id"] not in self.operations and len(self.operations) >= most:
            await self._refuse(message["id"], _too_many(most))
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        """Run until it ends, or goes on without a task as one of those who share an execution."""
        assert self.viewer is not None
        key = identity.bucket_key(self.viewer, identity.address_of(self.connection))
        try:
            self.execution.live.take_stream(key)
        except RateLimited as error:
            await operation.send_initial_errors([_as_graphql_error(error)])
            return
        noted = self.execution.operation_of(self.viewer, self.connection, "websocket")
        self.running[operation.id] = noted
        outlet = SocketOutlet(self, operation.id, noted, key)
        request = GraphQLRequest(operation.query, operation.variables or {}, operation.operation_name or None)
        subscriber = Subscriber(self.execution.shares, request, noted, self.connection, outlet)
        try:
            await self._send_results(operation, subscriber, request)
        except WebSocketDisconnected:
            pass
        finally:
            self.running.pop(operation.id, None)
            if not self._goes_on(subscriber):
                subscriber.end()
                if self.operations.get(operation.id) is operation:
                    del self.operations[operation.id]

    def _goes_on(self, subscriber: Subscriber) -> bool:
        return subscriber in self.shared.values()

    async def _send_results(
        self, operation: Operation[Any, Any], subscriber: Subscriber, request: GraphQLRequest
    ) -> None:
        shares.begin(subscriber)
        results = self.execution.stream(request, subscriber.operation, self.connection)
        async with aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    subscriber.end()
                    await operation.send_initial_errors(result.errors or [])
                    return
                await operation.send_next(result)
        if subscriber.is_caught_up:
            self._go_on_shared(operation, subscriber)
        else:
            subscriber.end()
            await operation.send_operation_message({"id": operation.id, "type": "complete"})

    def _go_on_shared(self, operation: Operation[Any, Any], subscriber: Subscriber) -> None:
        """From here on there is no task."""
        self.shared[operation.id] = subscriber
        operation.task, operation.query, operation.variables = None, "", None
        subscriber.go_on_shared()

    async def cleanup_operation(self, operation_id: str) -> None:
        self._end_operation(operation_id)

    def _end_operation(self, id: str) -> None:
        operation = self.operations.pop(id, None)
        if id in self.shared:
            self.shared[id].end()
        elif operation is not None and operation.task is not None:
            operation.task.cancel()

    async def _refuse(self, operation_id: str, error: CodedError) -> None:
        payload = [_as_graphql_error(error).formatted]
        await self.send_message({"id": operation_id, "type": "error", "payload": payload})


class SocketOutlet:
    """Results of a share as frames of one operation."""

    __slots__ = ("handler", "id", "key", "mailbox", "operation", "prefix")

    def __init__(self, handler: SocketHandler, id: str, noted: operations.Operation, key: str) -> None:
        self.handler = handler
        self.mailbox = handler.mailbox
        self.id = id
        self.operation = noted
        self.key = key  # Of the stream that is held.
        self.prefix = sys.intern(f'{{"id":{_json(id)},"type":"next","payload":')

    def next(self, result: Encoded, extensions: dict[str, Any]) -> None:
        framed = f"{self.prefix}{result.text_with(extensions)}}}" if extensions else result.framed(self.prefix)
        self.mailbox.put(framed)

    def refuse(self, result: Encoded) -> None:
        self.mailbox.put(_json({"id": self.id, "type": "error", "payload": result.errors}))

    def complete(self) -> None:
        self.mailbox.put(_json({"id": self.id, "type": "complete"}))

    def ended(self, ending: str) -> None:
        handler = self.handler
        handler.execution.live.give_stream_back(self.key)
        if self.operation.is_handed_over:
            handler.execution.observations.note(self.operation, ending)
        subscriber = handler.shared.get(self.id)
        if subscriber is not None and subscriber.outlet is self:
            del handler.shared[self.id]
            handler.operations.pop(self.id, None)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _too_many(most: int) -> RateLimited:
    return RateLimited(f"At most {most} operations may run on one connection.", 1, limit=most)


def _as_graphql_error(error: CodedError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)
