"""Operations over WebSocket, by the graphql-transport-ws protocol.

Strawberry's handler keeps the protocol's states. Here are: who may connect, well-formed frames, caps, the end of a
token, and one fresh operation per subscription instead of one context per socket.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing
from datetime import timedelta
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.http.websocket_origin import is_same_origin, normalize_origin
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import PreExecutionError

from api.transport import identity
from api.transport.errors import CodedError, Forbidden, RateLimited, Unauthenticated
from api.transport.execution import Execution
from api.transport.requests import GraphQLRequest
from api.transport.streams import seconds_until

logger = logging.getLogger("commonwatt.sockets")

PROTOCOL = "graphql-transport-ws"
POLICY_VIOLATION, MESSAGE_TOO_BIG, INTERNAL_ERROR, TRY_AGAIN_LATER = 1008, 1009, 1011, 1013
BAD_REQUEST, FORBIDDEN, SUBPROTOCOL_NOT_ACCEPTABLE, TOO_MANY_INITS = 4400, 4403, 4406, 4429


async def serve(websocket: WebSocket, execution: Execution) -> None:
    """Answer a handshake: 403 to foreign pages, 4406 to other protocols, else serve until either side closes."""
    if not is_origin_allowed(websocket.headers, execution.settings.allowed_origins):
        await websocket.close(POLICY_VIOLATION)  # Before accepting: the server answers 403.
        return
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    await SocketHandler(websocket, execution).handle()


def is_origin_allowed(headers: Mapping[str, str], allowed_origins: tuple[str, ...]) -> bool:
    """Whether the page that opens a socket may. Callers without an origin are not browsers."""
    origin = headers.get("origin")
    if origin is None or is_same_origin(origin, headers.get("host")):
        return True
    return normalize_origin(origin) in {normalize_origin(allowed) for allowed in allowed_origins}


class SocketAdapter:
    """Frames in and out, as Strawberry's handler wants them."""

    def __init__(self, websocket: WebSocket, frame_bytes_max: int, send_seconds_max: float) -> None:
        self.websocket = websocket
        self.frame_bytes_max = frame_bytes_max
        self.send_seconds_max = send_seconds_max

    @property
    def is_closed(self) -> bool:
        return WebSocketState.DISCONNECTED in {self.websocket.application_state, self.websocket.client_state}

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        while not self.is_closed:
            message = await self.websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            if len(text) > self.frame_bytes_max or len(text.encode()) > self.frame_bytes_max:
                await self.close(MESSAGE_TOO_BIG, f"Frames hold at most {self.frame_bytes_max} bytes")
                return
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError:
                raise NonJsonMessageReceived from None

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a frame. A reader too slow to take it is disconnected, and resumes from its cursor."""
        if self.is_closed:
            raise WebSocketDisconnected
        try:
            async with asyncio.timeout(self.send_seconds_max):
                await self.websocket.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect:
            raise WebSocketDisconnected from None
        except TimeoutError:
            await self.close(TRY_AGAIN_LATER, "Reading too slowly")
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        if not self.is_closed:
            await self.websocket.close(code=code, reason=reason[:120])


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """One socket from its handshake to its end."""

    def __init__(self, websocket: WebSocket, execution: Execution) -> None:
        settings = execution.settings
        adapter = SocketAdapter(websocket, settings.frame_bytes_max, settings.send_seconds_max)
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
        self.viewer: identity.Viewer | None = None
        self.expiry: asyncio.Task[None] | None = None
        self.held = ExitStack()  # Our place among the connections of one viewer.

    async def handle(self) -> None:
        address = identity.network_of(identity.address_of(self.connection))
        try:
            self.held.enter_context(self.execution.live.connection(f"waiting:{address}"))
        except RateLimited as error:
            await self.websocket.close(TRY_AGAIN_LATER, error.message)
            return
        await super().handle()

    async def shutdown(self) -> None:
        self.held.close()
        if self.expiry is not None:
            self.expiry.cancel()
        await super().shutdown()

    async def handle_message(self, message: Any) -> None:
        fault = fault_of(message)
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
        except Exception:
            logger.exception("A socket could not be authenticated")
            await self.websocket.close(INTERNAL_ERROR, "Unexpected error")
        return self.viewer is not None

    async def _admit(self, payload: Mapping[str, object]) -> None:
        token = identity.token_of_connection_params(payload, self.connection.headers.get("authorization"))
        address = identity.address_of(self.connection)
        viewer = await self.execution.authenticate(token, address)
        self.held.close()
        self.held.enter_context(self.execution.live.connection(identity.bucket_key(viewer, address)))
        self.viewer = viewer
        self.expiry = asyncio.create_task(self._close_at_expiry(viewer))

    async def _close_at_expiry(self, viewer: identity.Viewer) -> None:
        seconds = seconds_until(viewer.expires_at)
        if seconds is not None:
            await asyncio.sleep(seconds)
            # Clients take 4401 for final; after 4403 they try again, with a fresh token.
            await self.websocket.close(FORBIDDEN, "The token expired")

    async def handle_subscribe(self, message: Any) -> None:
        most = self.execution.settings.subscriptions_per_connection
        if self.connection_acknowledged and message["id"] not in self.operations and len(self.operations) >= most:
            await self._refuse(message["id"], _too_many(most))
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        assert self.viewer is not None
        key = identity.bucket_key(self.viewer, identity.address_of(self.connection))
        try:
            with self.execution.live.stream(key):
                await self._send_results(operation, self.viewer)
        except RateLimited as error:
            await operation.send_initial_errors([_as_graphql_error(error)])
        except WebSocketDisconnected:
            pass
        finally:
            if self.operations.get(operation.id) is operation:
                del self.operations[operation.id]

    async def _send_results(self, operation: Operation[Any, Any], viewer: identity.Viewer) -> None:
        request = GraphQLRequest(operation.query, operation.variables or {}, operation.operation_name or None)
        noted = self.execution.operation_of(viewer, self.connection, "websocket")
        async with aclosing(self.execution.stream(request, noted, self.connection)) as results:
            async for result in results:
                if isinstance(result, PreExecutionError):
                    await operation.send_initial_errors(result.errors or [])
                    return
                await operation.send_next(result)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _refuse(self, operation_id: str, error: CodedError) -> None:
        payload = [_as_graphql_error(error).formatted]
        await self.send_message({"id": operation_id, "type": "error", "payload": payload})


def fault_of(message: object) -> str | None:
    """What is wrong with a frame's form; None when nothing is."""
    if not isinstance(message, dict):
        return "A message must be an object"
    kind, payload = message.get("type"), message.get("payload")
    if not isinstance(kind, str):
        return "A message must have a type"
    if payload is not None and not isinstance(payload, dict):
        return f"The payload of {kind} must be an object"
    if kind in {"subscribe", "complete"} and not (isinstance(message.get("id"), str) and message["id"]):
        return f"{kind} must have an id"
    return _fault_of_subscribe(payload) if kind == "subscribe" else None


def _fault_of_subscribe(payload: dict[str, Any] | None) -> str | None:
    if payload is None or not isinstance(payload.get("query"), str):
        return "subscribe must have a payload with a query"
    if not isinstance(payload.get("variables"), dict | None):
        return "The variables must be an object"
    if not isinstance(payload.get("operationName"), str | None):
        return "The operationName must be a string"
    return None


def _too_many(most: int) -> RateLimited:
    return RateLimited(f"At most {most} operations may run on one connection.", 1, limit=most)


def _as_graphql_error(error: CodedError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)
