"""The transport around a stream in memory: subscribers without sockets, and a world that can change who stands."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import orjson
import strawberry
from starlette.requests import HTTPConnection
from strawberry.types.execution import PreExecutionError

from api.graphql import following
from api.resources.database import Database
from api.resources.events import BATCH, Hub
from api.transport.documents.requests import GraphQLRequest
from api.transport.executing import shares
from api.transport.executing.encoding import Encoded
from api.transport.executing.shares import Sharing
from api.transport.executing.subscribers import Subscriber
from api.transport.http.app import GraphQLApp, build_graphql_app
from api.transport.terms import identity
from api.transport.terms.errors import Forbidden, Unauthenticated
from api.transport.terms.settings import TransportSettings
from domain.events.tables import Event

STREAM = "numbers"
CONNECTION = HTTPConnection({"type": "websocket", "headers": [], "client": ("127.0.0.1", 1)})


@dataclass(frozen=True)
class Viewer:
    key: str
    sees: str = "everything"
    is_anonymous: bool = False
    is_admin: bool = False
    expires_at: datetime | None = None


class MemoryHub(Hub):
    """A feed of numbers, each read as slow as a task switch."""

    def __init__(self) -> None:
        super().__init__(cast(Database, None), cast(Any, None))
        self.events: list[Event] = []
        self.reads = 0

    def publish(self, count: int = 1) -> None:
        """Append the next numbers, and wake whoever follows."""
        first = len(self.events) + 1
        self.events += [Event(stream=STREAM, sequence=n, payload={"n": n}) for n in range(first, first + count)]
        self.wake(STREAM)

    async def newest(self, stream: str) -> tuple[int, datetime | None]:
        await asyncio.sleep(0)
        return len(self.events), None

    async def read_behind(self, stream: str, number: int) -> tuple[datetime | None, list[Event]]:
        self.reads += 1
        found = self.events[number : number + BATCH]
        await asyncio.sleep(0)
        return None, found


@dataclass
class World:
    """What the schema and the transport look at."""

    hub: MemoryHub = field(default_factory=MemoryHub)
    now: dict[Viewer, Viewer | None] = field(default_factory=dict)  # Who has changed or ended.
    asked: list[int] = field(default_factory=list)  # For how many viewers at once, each time somebody asked.
    resolved: int = 0  # Events that any execution has resolved.
    turns: int = 0  # Of others before a subscriber that catches up goes on.

    async def standing(self, viewers: Sequence[Viewer]) -> Sequence[Viewer | None]:
        self.asked.append(len(viewers))
        await asyncio.sleep(0)
        return [self.now.get(viewer, viewer) for viewer in viewers]


class Context:
    def __init__(self, world: World, viewer: Viewer) -> None:
        self.world = world
        self.hub = world.hub
        self.viewer = viewer

    def refresh(self, viewer: Viewer | None = None) -> None:
        self.viewer = viewer or self.viewer

    async def check_again(self) -> None:
        await settle(self.world.turns)
        (current,) = await self.world.standing([self.viewer])
        if current is None:
            raise Unauthenticated("The session has ended.")
        self.viewer = current

    def events(self, after: int | None, standing: Any = None, check: Any = following.nothing) -> Any:
        return following.events(cast(Any, self), STREAM, after, standing, check)

    def looks(self) -> Any:
        return following.looks(cast(Any, self), STREAM, following.anything)


Info = strawberry.Info[Context, None]


@strawberry.type
class Query:
    hello: str = "world"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def numbers(self, info: Info, after: int | None = None, step: int = 1) -> AsyncGenerator[int, None]:
        async for event in info.context.events(after):
            info.context.world.resolved += 1
            if event.sequence % step == 0:
                yield event.sequence

    @strawberry.subscription
    async def latest_and_news(self, info: Info, after: int | None = None) -> AsyncGenerator[int, None]:
        async def standing() -> tuple[list[Event], int]:
            await asyncio.sleep(0)
            return info.context.hub.events[-1:], len(info.context.hub.events)

        async for event in info.context.events(after, standing):
            yield event.sequence

    @strawberry.subscription
    async def state(self, info: Info, last: int) -> AsyncGenerator[int, None]:
        async for _ in info.context.looks():
            info.context.world.resolved += 1
            yield len(info.context.hub.events)
            if len(info.context.hub.events) >= last:
                return

    @strawberry.subscription
    async def breaks(self, info: Info, at: int) -> AsyncGenerator[int, None]:
        async for event in info.context.events(None):
            if event.sequence == at:
                raise RuntimeError("secret detail")
            yield event.sequence

    @strawberry.subscription
    async def forbidden(self, info: Info) -> AsyncGenerator[int, None]:
        async def check() -> None:
            raise Forbidden("You may not follow this.")

        async for event in info.context.events(None, check=check):
            yield event.sequence


SCHEMA = strawberry.Schema(Query, subscription=Subscription)
NUMBERS = "subscription Numbers($after: Int) { numbers(after: $after) }"


def build(world: World, **options: Any) -> GraphQLApp:
    """Viewers share what they equally see; anybody with a token is let in, under its name."""

    async def authenticate(token: str | None, address: str) -> Viewer:
        return Viewer(token or "nobody", is_anonymous=token is None)

    return build_graphql_app(
        SCHEMA,
        authenticate=authenticate,
        settings=options.pop("settings", TransportSettings()),
        make_context=lambda connection, viewer: Context(world, viewer),
        refresh=Context.refresh,
        sharing=Sharing(lambda viewer, document, analysis: viewer.sees, world.standing),
        **options,
    )


class Reader:
    """A subscriber, as the transports drive one, that notes what it gets."""

    def __init__(
        self, app: GraphQLApp, query: str = NUMBERS, viewer: identity.Viewer | None = None, **variables: Any
    ) -> None:
        self.app = app
        self.results: list[Any] = []  # Values, or codes of errors.
        self.extensions: list[dict[str, Any]] = []
        self.encoded: list[Encoded] = []
        self.end: str | None = None
        self.request = GraphQLRequest(query, variables)
        self.operation = app.execution.operation_of(viewer or Viewer("somebody"), CONNECTION, "websocket")
        self.subscriber = Subscriber(app.execution.shares, self.request, self.operation, CONNECTION, self)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        shares.begin(self.subscriber)
        try:
            async with aclosing(self.app.execution.stream(self.request, self.operation, CONNECTION)) as results:
                async for result in results:
                    self._note(result.data, [e.formatted for e in result.errors or ()], result.extensions or {})
                    if isinstance(result, PreExecutionError):
                        self.end = "refused"
            if self.subscriber.is_caught_up:
                self.subscriber.go_on_shared()
            elif self.end is None:
                self.end = "complete"
        finally:
            if not self.subscriber.is_caught_up or self.subscriber.waiting is not None:
                self.subscriber.end()

    def _note(self, data: Any, errors: list[Any], extensions: dict[str, Any]) -> None:
        self.results.append([e["extensions"]["code"] for e in errors] or next(iter(data.values())))
        self.extensions.append(extensions)

    def next(self, result: Encoded, extensions: dict[str, Any]) -> None:
        self.encoded.append(result)
        body = orjson.loads(result.text_with(extensions))
        self._note(body["data"], body.get("errors", []), body.get("extensions", {}))

    def refuse(self, result: Encoded) -> None:
        self.end = "refused"
        self._note(None, cast(Any, result.errors), {})

    def complete(self) -> None:
        self.end = "complete"

    def ended(self, ending: str) -> None:
        if self.operation.is_handed_over:
            self.app.execution.observations.note(self.operation, ending)

    async def has(self, count: int) -> list[Any]:
        """The results, once there are so many."""
        async with asyncio.timeout(5):
            while len(self.results) < count:
                await asyncio.sleep(0)
        return self.results

    async def is_live(self) -> None:
        """Once it has caught up."""
        async with asyncio.timeout(5):
            await self.task

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        self.subscriber.end()


async def settle(turns: int = 200) -> None:
    """Let everything run that can."""
    for _ in itertools.repeat(None, turns):
        await asyncio.sleep(0)
