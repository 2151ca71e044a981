"""A schema small enough to read, with one field for each way the transport can be used."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import strawberry
from strawberry import relay
from strawberry.schema.config import StrawberryConfig

from api.transport.limits.live import Live
from api.transport.limits.reads import READS, Reads
from api.transport.terms import errors, operations

HOUSES = 53


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class House(Node):
    @strawberry.field
    def houses(self, first: int | None = None, last: int | None = None) -> "HouseConnection":
        return page_of_houses(first, None, last)


@strawberry.type
class HouseEdge:
    cursor: str
    node: House


@strawberry.type
class HouseConnection:
    edges: list[HouseEdge]
    page_info: relay.PageInfo


def page_of_houses(first: int | None, after: str | None, last: int | None) -> HouseConnection:
    start, end = 0, HOUSES
    if after is not None:
        start = cursor_position(after) + 1
    if last is not None:
        start = max(start, end - last)
    end = min(end, start + (first or 25)) if last is None else end
    edges = [HouseEdge(cursor=cursor_of(at), node=House(id=strawberry.ID(f"house-{at}"))) for at in range(start, end)]
    return HouseConnection(
        edges=edges,
        page_info=relay.PageInfo(
            has_next_page=end < HOUSES,
            has_previous_page=start > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def cursor_of(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def cursor_position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True))
    except ValueError:
        raise errors.BadUserInput("This cursor is not one of ours.", argument="after") from None


@strawberry.type
class Budget:
    cost: int
    remaining: int
    node_count: int


@strawberry.type
class Query:
    @strawberry.field
    async def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    async def houses(
        self, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> HouseConnection:
        return page_of_houses(first, after, last)

    @strawberry.field
    async def node(self, id: strawberry.ID) -> Node | None:
        return House(id=id)

    @strawberry.field
    async def by_global_id(self, id: relay.GlobalID) -> str:
        return id.node_id

    @strawberry.field
    async def broken(self) -> str | None:
        raise RuntimeError("secret detail: password=hunter2")

    @strawberry.field
    async def required_but_missing(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    async def forbidden(self) -> str | None:
        raise errors.Forbidden("You may not read this.", needs="ADMIN")

    @strawberry.field
    async def unavailable(self) -> str | None:
        raise ConnectionRefusedError("10.0.0.7:5432")

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        SLOW.started += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            SLOW.cancelled += 1
            raise
        return "done"

    @strawberry.field
    async def budget(self) -> Budget:
        operation = operations.current()
        assert operation is not None
        assert operation.budget is not None
        return Budget(cost=operation.cost, remaining=operation.budget.remaining, node_count=operation.node_count)

    @strawberry.field(metadata={READS: Reads(lambda arguments, viewer: arguments["values"])})
    async def consumption(self, values: int) -> float:
        return float(values)

    @strawberry.field
    async def loaded(self, info: strawberry.Info["Context", None]) -> int:
        return info.context.load()

    @strawberry.field
    async def live_subscriptions(self, info: strawberry.Info["Context", None]) -> int:
        return info.context.live[0].streams_open


@dataclass
class SlowCalls:
    started: int = 0
    cancelled: int = 0


SLOW = SlowCalls()


@strawberry.input
class LogInInput:
    email: str
    password: str


@strawberry.type
class LogInPayload:
    access_token: str | None
    errors: list[str]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def log_in(self, input: LogInInput) -> LogInPayload:
        return LogInPayload(access_token="admin-token" if input.password == "right" else None, errors=[])

    @strawberry.mutation
    async def rename(self, name: Annotated[str, strawberry.argument(description="The new name.")]) -> str:
        return name

    @strawberry.mutation(metadata={READS: Reads(lambda arguments, viewer: 100_000)})
    async def rename_all(self) -> int:
        return 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int, delay_ms: int = 5) -> AsyncGenerator[int, None]:
        for number in range(1, to + 1):
            await asyncio.sleep(delay_ms / 1000)
            yield number

    @strawberry.subscription
    async def loads(self, info: strawberry.Info["Context", None], to: int) -> AsyncGenerator[int, None]:
        for _ in range(to):
            yield info.context.load()

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError("secret detail: password=hunter2")

    @strawberry.subscription
    async def refused(self) -> AsyncGenerator[int, None]:
        raise errors.Forbidden("You may not follow this.")
        yield 1


@dataclass(frozen=True)
class Viewer:
    key: str
    is_anonymous: bool = False
    is_admin: bool = False
    expires_at: datetime | None = None


class Context:
    """Counts what one operation loaded, as a loader's cache would grow."""

    def __init__(self, viewer: Viewer, live: list[Live]) -> None:
        self.viewer = viewer
        self.live = live
        self.loads = 0

    def load(self) -> int:
        self.loads += 1
        return self.loads

    def refresh(self) -> None:
        self.loads = 0


async def authenticate(token: str | None, address: str) -> Viewer:
    if token is None:
        return Viewer("nobody", is_anonymous=True)
    if token == "brief-token":
        return Viewer("brief", expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
    if token == "broken-token":
        raise ConnectionRefusedError("10.0.0.7:5432")
    if token not in {"admin-token", "member-token"}:
        raise errors.Unauthenticated("This token is not valid.")
    return Viewer(token, is_admin=token == "admin-token")


schema = strawberry.Schema(Query, Mutation, Subscription, types=[House], config=StrawberryConfig(relay_max_results=100))
