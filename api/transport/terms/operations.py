"""The operation that is running: who asked, what it is, what it costs. Resolvers reach it by `current()`."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from api.transport.terms.errors import ErrorCode
from api.transport.terms.identity import Viewer
from api.transport.terms.rates import Taken

READ_POINTS_LIGHT = 100  # About nine days of quarter-hours; for who has not signed in, one.
READ_POINTS_LIGHT_OF_NOBODY = 20
NODES_LIGHT = 2_000

Transport = Literal["http", "sse", "websocket"]


@dataclass(slots=True)
class Operation:
    """What is noted of one operation while it runs. Never its variables, nor the token."""

    request_id: str
    viewer: Viewer
    address: str
    transport: Transport
    cookies: str = ""  # As they were sent.
    started_s: float = field(default_factory=time.perf_counter)
    name: str | None = None
    kind: str | None = None  # query, mutation, subscription
    document_hash: str | None = None
    node_count: int = 0
    read_points: int = 0  # For what fields read beside nodes.
    heavy_key: str | None = None  # Whose share of the database it uses, while it is a heavy one under way.
    cost: int = 0  # Points charged: `points`, or one for what was refused.
    budget: Taken | None = None
    codes: list[ErrorCode] = field(default_factory=list)
    results: int = 0
    device_cookie: tuple[str, str] | None = None  # Name and value, to be kept by the device that signed in.
    may_change: bool = True  # Whether it may be a mutation.
    is_own: bool = False  # Whether the answer is the caller's alone, also where nobody has signed in.
    is_handed_over: bool = False  # To a share, which notes its end.

    @property
    def points(self) -> int:
        """What it costs: its nodes and its reads, at least one."""
        return max(1, self.node_count + self.read_points)

    @property
    def is_heavy(self) -> bool:
        """Whether it reads so much that it does with a share of the database."""
        light = READ_POINTS_LIGHT_OF_NOBODY if self.viewer.is_anonymous else READ_POINTS_LIGHT
        return self.read_points > light or self.node_count > NODES_LIGHT

    @property
    def code(self) -> ErrorCode | None:
        """The first error's code."""
        return self.codes[0] if self.codes else None

    def seconds(self) -> float:
        return time.perf_counter() - self.started_s


_current: ContextVar[Operation | None] = ContextVar("operation", default=None)


def begin(operation: Operation) -> None:
    """Make this the running operation of the task. Each operation has a task, so nothing is put back."""
    _current.set(operation)


def current() -> Operation | None:
    """The running operation; None where the schema is executed without the transport."""
    return _current.get()
