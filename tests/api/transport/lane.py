"""The small app twice, with and without the express lane, and requests to both as a server would send them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType, execute
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.documents.documents import Document
from api.transport.documents.plans import CompiledReads
from api.transport.executing.execution import Execution
from api.transport.http.express import Express
from api.transport.terms.rates import LocalBuckets
from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_app
from tests.api.transport.small_schema import Viewer, schema

QUERY = "query Named($name: String!) { hello(name: $name) }"
BODY = {"query": QUERY, "variables": {"name": "Esch"}}
NOBODY = Viewer("nobody", is_anonymous=True)


@dataclass
class Prepared:
    """Answers as the small schema does, or in one of the ways a plan may fail."""

    plans: "SmallPlans"
    document: Document
    operation_name: str | None
    variables: Mapping[str, Any]
    is_whole: bool = True

    async def answer(self, database: Any, viewer: Any) -> bytes | None:
        self.plans.asked += 1
        if isinstance(self.plans.fails_by, Exception):
            raise self.plans.fails_by
        if self.plans.fails_by == "none":
            return None
        await asyncio.sleep(self.plans.seconds)
        found = execute(
            schema._schema,
            self.document.node,
            variable_values=dict(self.variables),
            operation_name=self.operation_name,
        )
        result = found if isinstance(found, ExecutionResult) else await found
        assert not result.errors
        self.plans.answered += 1
        return orjson.dumps(result.data)


@dataclass
class SmallPlans:
    """A plan for any query, unless told otherwise."""

    has_plans: bool = True
    is_whole: bool = True
    fails_by: Exception | str | None = None
    seconds: float = 0.0
    asked: int = 0
    answered: int = 0

    def prepared(self, document: Document, operation_name: str | None, variables: Mapping[str, Any]) -> Prepared | None:
        is_query = document.analysis(operation_name).operation.operation is OperationType.QUERY
        if not (self.has_plans and is_query):
            return None
        return Prepared(self, document, operation_name, variables, self.is_whole)


@dataclass
class SmallStanding:
    """Knows the tokens of the small schema."""

    tokens: set[str] = field(default_factory=lambda: {"admin-token", "member-token"})
    viewers: dict[str, Viewer] = field(default_factory=dict)

    def known(self, token: str | None) -> Viewer | None:
        if token is None:
            return NOBODY
        if token not in self.tokens:
            return None
        return self.viewers.setdefault(token, Viewer(token, is_admin=token == "admin-token"))

    def forget(self, token: str) -> None:
        self.tokens.discard(token)


@dataclass
class Counted:
    """Counts what comes the ordinary way."""

    app: ASGIApp
    requests: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        await self.app(scope, receive, send)


@dataclass
class Site:
    """An app with what stands behind it."""

    app: ASGIApp
    ordinary: "Counted"
    plans: SmallPlans
    standing: SmallStanding
    execution: Execution
    buckets: LocalBuckets


def a_site(settings: TransportSettings | None = None, *, has_lane: bool = True, **options: Any) -> Site:
    """The small app. Time stands still in its budgets, so that two of them say the same."""
    plans, standing = SmallPlans(), SmallStanding()
    buckets = LocalBuckets(clock=lambda: 0.0)
    built = small_app.build(settings, buckets=buckets, reads=CompiledReads(plans, None), **options)
    ordinary = Counted(Starlette(routes=built.routes, middleware=built.middleware))
    app = Express(ordinary, built.execution, standing) if has_lane else ordinary
    return Site(app, ordinary, plans, standing, built.execution, buckets)


@dataclass(frozen=True)
class Answer:
    """What a server would send."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True)
class Request:
    """A POST as uvicorn hands it over; `headers` are put beside or instead of the usual ones, None takes one away."""

    body: Any = field(default_factory=lambda: BODY)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    scope: Mapping[str, Any] = field(default_factory=dict)
    pieces: int = 1
    more: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)

    def in_scope(self) -> dict[str, Any]:
        usual = {
            "host": "commonwatt", "content-type": "application/json", "content-length": str(len(self.content)),
            "accept": "application/json", "authorization": "Bearer member-token", "x-request-id": "request-1",
        }  # fmt: skip
        named = {**usual, **self.headers}
        headers = [(name.encode(), value.encode("latin-1")) for name, value in named.items() if value is not None]
        return {
            "type": "http", "method": "POST", "path": "/graphql", "root_path": "", "query_string": b"",
            "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("commonwatt", 80),
            "headers": [*headers, *self.more], **self.scope,
        }  # fmt: skip

    def messages(self) -> list[Message]:
        size = max(1, -(-len(self.content) // self.pieces))
        parts = [self.content[at : at + size] for at in range(0, len(self.content), size)] or [b""]
        last = len(parts) - 1
        return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


async def ask(app: ASGIApp, request: Request) -> Answer:
    """The answer of an app to a request, in a task of its own as every request has."""
    waiting, sent = request.messages(), []

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    async def keep(message: Message) -> None:
        sent.append(dict(message))

    await asyncio.create_task(_run(app, request, receive, keep))
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(start["status"], list(start["headers"]), body)


async def _run(app: ASGIApp, request: Request, receive: Any, keep: Any) -> None:
    async with asyncio.timeout(10):
        await app(request.in_scope(), receive, keep)
