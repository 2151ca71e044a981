"""One subscription: first an execution of its own, then an entry in a share; see `shares`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import HTTPConnection

from api.transport.documents.lifecycle import first_extensions
from api.transport.documents.requests import GraphQLRequest
from api.transport.executing.encoding import Encoded, encoded_error
from api.transport.terms.errors import CodedError, Unauthenticated
from api.transport.terms.operations import Operation

if TYPE_CHECKING:
    from api.transport.executing.shares import Share, Shares

WAITING_MAX = 1_000  # Results that wait for a subscriber; beyond them it catches up further.

Position = Callable[[], Awaitable[int]]


class Outlet(Protocol):
    """Where one subscriber's messages go. None of these waits."""

    def next(self, result: Encoded, extensions: dict[str, Any]) -> None:
        """A result."""

    def refuse(self, result: Encoded) -> None:
        """Instead of results: errors of an operation that could not run."""

    def complete(self) -> None:
        """Nothing follows."""

    def ended(self, ending: str) -> None:
        """Give back what the subscription held. Comes before its last message, so that its id is free by then."""


class Subscriber:
    """One subscription: first its own execution, then an entry in a share."""

    __slots__ = (
        "connection", "has_ended", "is_caught_up", "is_complete", "operation", "outlet",
        "request", "seen", "share", "shares", "until", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        shares: "Shares",
        request: GraphQLRequest,
        operation: Operation,
        connection: HTTPConnection,
        outlet: Outlet,
    ) -> None:
        self.shares = shares
        self.request: GraphQLRequest | None = request
        self.connection: HTTPConnection | None = connection
        self.operation = operation
        self.outlet = outlet
        self.share: Share | None = None
        self.until = 0  # Where its own execution may stop: the share gives what follows.
        self.seen = -1  # Number of the last event it was told of.
        self.waiting: list[Encoded] | None = []  # Results of the share while it catches up.
        self.is_caught_up = False
        self.is_complete = False  # The share has ended while it caught up.
        self.has_ended = False

    async def join(self, position: Position, *, replays: bool = False) -> bool:
        """Take a place among its equals, whose results wait from now on. With `replays` the latest waits already.

        `position` is asked for the number of the newest event when there are no equals yet. False where the document
        is none that can be shared: then its own execution goes on alone. Raises Unauthenticated.
        """
        current = await self.shares.roll.standing(self.operation.viewer)
        if current is None:
            raise Unauthenticated("The session has ended.")
        self.operation.viewer = current
        self.share = await self.shares.joined(self, position)
        if self.share is None:
            return False
        self.until = self.share.position
        if replays and self.share.latest is not None:
            self.waiting = [self.share.latest]
        return True

    @property
    def viewer(self) -> Any:
        """Who subscribed, as of when last asked."""
        return self.operation.viewer

    def caught_up(self, sequence: int = -1) -> None:
        """Its own execution has told of everything up to a number, and ends with that."""
        self.seen = sequence
        self.is_caught_up = self.operation.is_handed_over = True

    def go_on_shared(self) -> None:
        """Get what waited, and from now on what comes. Call when the own execution is over, and caught up."""
        assert self.is_caught_up
        self.request = self.connection = None
        waiting, self.waiting = self.waiting or [], None
        for result in waiting:
            self.take(result)
        if self.is_complete:
            self.complete()

    def take(self, result: Encoded) -> None:
        """A result of the share."""
        if self.has_ended or result.sequence <= self.seen:
            return
        if self.waiting is None:
            self._give(result)
        elif len(self.waiting) < WAITING_MAX:
            self.waiting.append(result)
        else:
            assert self.share is not None
            self.waiting.clear()
            self.until = self.share.position

    def fail(self, error: CodedError) -> None:
        """End with an error."""
        result = encoded_error(error)
        if self.waiting is None:
            self._give(result)
        else:
            self.waiting = [result]
        self.complete()

    def complete(self) -> None:
        """End in order."""
        if self.waiting is not None:
            self.is_complete = True
        elif self.end("completed"):
            self.outlet.complete()

    def end(self, ending: str = "stopped") -> bool:
        """Leave the share and give back what is held; false when that was done before."""
        if self.has_ended:
            return False
        self.has_ended = True
        if self.share is not None:
            self.share.leave(self)
        self.outlet.ended(ending)
        return True

    def _give(self, result: Encoded) -> None:
        operation = self.operation
        if result.code is not None and not operation.codes:
            operation.codes.append(result.code)
        is_first = operation.results == 0
        if is_first and not result.has_run:
            self.end("completed")
            self.outlet.refuse(result)
            return
        extensions = first_extensions(operation) if is_first else {}
        operation.results += 1
        self.outlet.next(result, extensions)
