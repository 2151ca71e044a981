"""The express lane: a read that a plan can answer goes around Starlette and Strawberry.

It stands outermost and takes plain POSTs of documents that are known to be valid, from viewers that are known. It
answers what it can answer well, byte for byte as the ordinary way does. Anything unusual, be it wrong, new or merely
rare, it hands to the ordinary way untouched, which answers as it always did: the lane codes no errors. The one
exception is its deadline, as an operation may not run for twice its time.

Nobody watches whether the client has left: what the lane reads is one statement with a time limit of its own.
"""

import asyncio
import logging
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.types.execution import PreExecutionError

from api.transport.documents import requests, responses
from api.transport.documents.admissions import Admissions
from api.transport.documents.plans import NotStanding, Prepared, Standing
from api.transport.documents.responses import Reply
from api.transport.executing.execution import Execution
from api.transport.http.deadlines import Deadlines
from api.transport.observing import telemetry
from api.transport.terms import errors, identity, logs, media_types, operations
from api.transport.terms.identity import Viewer
from api.transport.terms.media_types import MediaType
from api.transport.terms.operations import Operation

logger = logging.getLogger("commonwatt.express")

BEARER = b"Bearer "
LENGTH_DIGITS_MAX = 9


class Asked(NamedTuple):
    """What the headers of a plain request say."""

    media_type: MediaType
    token: str | None
    request_id: str
    address: str


class Ready(NamedTuple):
    """An operation about to be charged and answered."""

    asked: Asked
    operation: Operation
    prepared: Prepared


class Express:
    """An ASGI app around the ordinary one."""

    def __init__(self, app: ASGIApp, execution: Execution, standing: Standing) -> None:
        self.app = app
        self.execution = execution
        self.settings = execution.settings
        assert execution.reads is not None, "the lane is for plans"
        self.reads = execution.reads
        self.standing = standing
        self.deadlines = Deadlines(execution.settings.operation_seconds_max)
        self.admissions = Admissions(execution.documents)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._asked(scope)
        if asked is None:
            await self.app(scope, receive, send)
            return
        message, reply = await self._passed(asked, receive)
        if reply is None:
            await self.app(scope, replaying(message, receive), send)
            return
        for part in reply:
            await send(part)

    async def _passed(self, asked: Asked, receive: Receive) -> tuple[Message | None, Reply | None]:
        """What was received, and the reply to it. A body that is late is left to the ordinary way, and its limits."""
        message = ready = None
        task = self.deadlines.begin()
        try:
            message = await receive()
            ready = self._ready(asked, message)
            return message, await self._reply(ready) if ready else None
        except asyncio.CancelledError:
            if not self.deadlines.caused(task):
                raise
            return message, self._late(ready) if ready else None
        finally:
            self.deadlines.end(task)

    def _asked(self, scope: Scope) -> Asked | None:
        """None for a request the lane does not take."""
        if scope["type"] != "http" or scope["path"] != self.settings.path or scope["method"] != "POST":
            return None
        headers = dict(scope["headers"])
        is_plain = (
            len(headers) == len(scope["headers"])
            and headers.get(b"content-type") == b"application/json"
            and b"origin" not in headers
            and self._is_within_limit(headers.get(b"content-length", b""))
            and not scope.get("root_path")
            and not telemetry.is_on()
        )
        media_type = _json_type(headers.get(b"accept", b"")) if is_plain else None
        authorization = headers.get(b"authorization")
        if media_type is None or (authorization is not None and not authorization.startswith(BEARER)):
            return None
        token = authorization and authorization[len(BEARER) :].decode("latin-1").strip()
        client = scope.get("client")
        given_id = headers.get(b"x-request-id")
        request_id = logs.new_id() if given_id is None else logs.accepted_id(given_id.decode("latin-1"))
        return Asked(media_type, token, request_id, client[0] if client else identity.NO_ADDRESS)

    def _is_within_limit(self, length: bytes) -> bool:
        return length.isdigit() and len(length) <= LENGTH_DIGITS_MAX and int(length) <= self.settings.body_bytes_max

    def _ready(self, asked: Asked, message: Message) -> Ready | None:
        """The operation with its plan; None for what the ordinary way has to look at."""
        try:
            if message["type"] != "http.request" or message.get("more_body"):
                return None
            viewer = self.standing.known(asked.token)
            return None if viewer is None else self._planned(asked, viewer, orjson.loads(message["body"]))
        except Exception:
            return None  # Whatever is wrong with it, the ordinary way says so.

    def _planned(self, asked: Asked, viewer: Viewer, parameters: dict[str, Any]) -> Ready | None:
        text, operation_name, variables = self._request(parameters)
        admission = self.admissions.known(text, operation_name)
        if admission is None or type(variables) is not dict:
            return None
        node_count = self.admissions.node_count(admission, variables)
        if node_count is None:
            return None
        prepared = self.reads.plans.prepared(admission.document, operation_name, variables)
        if prepared is None or not prepared.is_whole:
            return None
        operation = Operation(asked.request_id, viewer, asked.address, "http")
        operation.name, operation.kind, operation.document_hash = admission.name, "query", admission.document.hash
        operation.node_count = node_count
        self.admissions.documents.note_reads(operation, admission.analysis, variables)
        if operation.is_heavy:
            return None
        return Ready(asked, operation, prepared)

    def _request(self, parameters: dict[str, Any]) -> tuple[str, str | None, dict[str, Any]]:
        """Text, operation name and variables. Raises for what is none; not every fault of it need be seen here."""
        if "extensions" not in parameters and "documentId" not in parameters:
            operation_name, variables = parameters.get("operationName"), parameters.get("variables")
            if operation_name is not None and type(operation_name) is not str:
                raise TypeError("operationName")
            return parameters["query"], operation_name or None, {} if variables is None else variables
        request = requests.from_parameters(parameters, self.execution.documents.trusted)
        return request.query or "", request.operation_name, request.variables

    async def _reply(self, ready: Ready) -> Reply | None:
        """The success of an operation; None, and nothing charged, when the ordinary way has to answer."""
        operation, budgets = ready.operation, self.execution.budgets
        operations.begin(operation)
        logs.begin(operation.request_id)
        points = operation.points
        # A refusal takes nothing, and the ordinary way will meet it again.
        if not budgets.try_charge(operation, points) and not (await budgets.note(operation, points)).is_granted:
            return None
        data = await self._data(ready)
        if data is None:
            await budgets.give_back(operation)
            return None
        operation.results = 1
        self.execution.observations.note(operation)
        return responses.success(data, ready.asked.media_type, operation)

    async def _data(self, ready: Ready) -> bytes | None:
        try:
            return await ready.prepared.answer(self.reads.database, ready.operation.viewer)
        except NotStanding:
            self.standing.forget(ready.asked.token or "")
        except Exception:
            # The ordinary way will meet it too, or else this is a fault of the plan that should be seen.
            logger.warning("A compiled read failed", exc_info=True)
        return None

    def _late(self, ready: Ready) -> Reply:
        """The answer of the ordinary way to an operation that took too long."""
        operation = ready.operation
        error = errors.uncaught(TimeoutError(), self.execution.known_exceptions)
        result = PreExecutionError(data=None, errors=[error], extensions={"cost": operation.cost})
        operation.codes.append(errors.code_of(error))
        operation.results = 1
        self.execution.observations.note(operation)
        return responses.messages(responses.answer(result, ready.asked.media_type, operation), operation.request_id)


@lru_cache(maxsize=1_000)
def _json_type(accept: bytes) -> MediaType | None:
    """The form of JSON a client prefers; None when it would rather have a stream."""
    preferred = media_types.preferred(accept.decode("latin-1"))
    return None if preferred is MediaType.EVENT_STREAM else preferred


def replaying(message: Message | None, receive: Receive) -> Receive:
    """The same messages again for the ordinary way, first the one that was received already."""
    if message is None:
        return receive
    waiting = [message]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
