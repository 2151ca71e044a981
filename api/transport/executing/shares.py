"""Equal subscriptions share one execution.

Two subscriptions are equal when document, operation, variables and *sight* are: sight is what the results may depend
on of who asks, down to "anybody who signed in" for public prices. A subscription begins with an execution of its own,
which checks and charges it, and reads what came before. When its resolver starts to follow a stream, the subscriber
joins the share of its equals; from then on the share's results wait for it, and its own execution only catches up
with the number that the share had reached. What is seen both ways is given once, by number.

    own execution     --1--2--3--|                  resumes behind 0, and joins when the share is at 3
    shared execution  -----------3-----4-----5-->   4 waits until 3 was given, then results come by themselves

After that a subscriber is an entry in its share and a mailbox: no task, no context, no generator. Each result is
coded and encoded once. Before each event the share asks once for all viewers whether they stand and see the same.
Cursors are left out of the key: a thousand subscribers that resume from different places still share one execution.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import aclosing
from contextvars import Context, ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.requests import HTTPConnection
from strawberry.types import ExecutionResult

from api.transport.documents.documents import Document, Documents
from api.transport.documents.requests import GraphQLRequest
from api.transport.executing import equality
from api.transport.executing.encoding import Encoded
from api.transport.executing.rolls import AskStanding, Roll
from api.transport.executing.subscribers import Position, Subscriber
from api.transport.limits.limits import Analysis
from api.transport.terms.errors import SubscribeAgain, Unauthenticated
from api.transport.terms.identity import Viewer

READY_MAX = 50  # Results that are handed out together.
# Served before all of it is written, and others of this process have their turn.
SUBSCRIBERS_AT_ONCE = 100
DELIVERIES_AT_ONCE = 500
STANDING_S = 1.0

T = TypeVar("T")
Execute = Callable[[GraphQLRequest, HTTPConnection, Viewer], AsyncGenerator[ExecutionResult, None]]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the transport must be told so that executions can be shared.

    sight_of  what the results of an operation may depend on of a viewer
    standing  the same viewers as of now, in order; None for each whose session or key has ended
    """

    sight_of: Callable[[Any, Document, Analysis], Hashable]
    standing: AskStanding


async def _as_they_are(viewers: Sequence[Any]) -> Sequence[Any]:
    return viewers


BY_VIEWER = Sharing(lambda viewer, document, analysis: viewer, _as_they_are)


async def _awaited(read: Callable[[], Awaitable[T]]) -> T:
    return await read()


class Share:
    """One execution for all its subscribers, as long as there are any."""

    def __init__(self, shares: "Shares", key: Hashable, position: int, sight_of: Callable[[Viewer], Hashable]) -> None:
        self.shares = shares
        self.key = key
        self.sight_of = sight_of
        self.position = position  # Number of the last event that was begun, or before which the share began.
        self.ready: list[Encoded] = []  # Not handed out yet.
        self.latest: Encoded | None = None
        self.subscribers: dict[Subscriber, None] = {}
        self.viewers: dict[Viewer, int] = {}  # And how many subscribers each has.
        self.task: asyncio.Task[None] | None = None
        self._stood: asyncio.Task[Any] | None = None
        self._stood_at_s = 0.0

    def start(self, results: AsyncGenerator[ExecutionResult, None]) -> None:
        """Execute in a task that inherits nothing of the subscriber who happened to be first."""
        self.task = asyncio.create_task(self._run(results), context=Context())

    def enter(self, subscriber: Subscriber) -> None:
        """Hand out to a subscriber, too. Equal viewers become one object."""
        self.subscribers[subscriber] = None
        self._seat(subscriber, subscriber.operation.viewer)

    def leave(self, subscriber: Subscriber) -> None:
        """Hand out to it no more; the last one ends the execution."""
        if subscriber in self.subscribers:
            del self.subscribers[subscriber]
            self._unseat(subscriber.operation.viewer)
            if not self.subscribers:
                self.shares.forget(self)
                if self.task is not None and asyncio.current_task() is not self.task:
                    self.task.cancel()

    async def standing(self, read: Callable[[], Awaitable[T]]) -> T:
        """What stands before the news, read once for all who ask within a second: they catch up from there."""
        now_s = time.monotonic()
        if self._stood is None or now_s - self._stood_at_s > STANDING_S:
            self._stood_at_s, self._stood = now_s, asyncio.create_task(_awaited(read))
        found: T = await asyncio.shield(self._stood)
        return found

    async def hand_out(self) -> None:
        """Give away the results that are ready, to each subscriber all of them: they leave in one write."""
        results, self.ready = self.ready, []
        if not results:
            return
        self.latest = results[-1]
        turn = max(1, min(SUBSCRIBERS_AT_ONCE, DELIVERIES_AT_ONCE // len(results)))
        for number, subscriber in enumerate(list(self.subscribers), 1):
            for result in results:
                subscriber.take(result)
            if number % turn == 0:
                await asyncio.sleep(0)

    async def admit(self) -> Any:
        """Before events: who has ended meanwhile is sent away. Gives a viewer who may see it, as all others may."""
        viewers = list(self.viewers)
        current = await self.shares.sharing.standing(viewers)
        changed = {
            before: now for before, now in zip(viewers, current, strict=True) if now is not before and now != before
        }
        if changed:
            for subscriber in list(self.subscribers):
                if subscriber.operation.viewer in changed:
                    self._look_again(subscriber, changed[subscriber.operation.viewer])
        if not self.viewers:
            raise asyncio.CancelledError
        return next(iter(self.viewers))

    async def _run(self, results: AsyncGenerator[ExecutionResult, None]) -> None:
        _part.set(self)
        try:
            async with aclosing(results):
                async for result in results:
                    self.ready.append(Encoded(result, self.position))
                    if len(self.ready) >= READY_MAX:
                        await self.hand_out()
                    if not self.subscribers:
                        return
            await self.hand_out()
        finally:
            self.shares.forget(self)
            for subscriber in list(self.subscribers):
                subscriber.complete()

    def _look_again(self, subscriber: Subscriber, viewer: Viewer | None) -> None:
        if viewer is None:
            subscriber.fail(Unauthenticated("The session has ended."))
        elif self.sight_of(viewer) != self.sight_of(subscriber.operation.viewer):
            subscriber.fail(SubscribeAgain("What you may see has changed: subscribe again, from your cursor."))
        else:
            self._unseat(subscriber.operation.viewer)
            self._seat(subscriber, viewer)

    def _seat(self, subscriber: Subscriber, viewer: Viewer) -> None:
        self.viewers[viewer] = self.viewers.get(viewer, 0) + 1
        subscriber.operation.viewer = viewer

    def _unseat(self, viewer: Viewer) -> None:
        self.viewers[viewer] -= 1
        if not self.viewers[viewer]:
            del self.viewers[viewer]


class Shares:
    """The shares of this process."""

    def __init__(self, documents: Documents, sharing: Sharing, execute: Execute) -> None:
        self.documents = documents
        self.sharing = sharing
        self.execute = execute
        self.roll = Roll(sharing.standing)
        self.open: dict[Hashable, Share] = {}

    async def joined(self, subscriber: Subscriber, position: Position) -> Share | None:
        """The share of a subscriber's equals, with the subscriber in it; None where the document was not kept."""
        request, connection, viewer = subscriber.request, subscriber.connection, subscriber.operation.viewer
        assert request is not None
        assert connection is not None
        document = self.documents.known(request.query or "")
        if document is None:
            return None
        analysis = document.analysis(request.operation_name)
        sight_of = partial(self._sight_of, document, analysis)
        variables = request.variables or {}
        key = equality.key_of(document, analysis, variables, sight_of(viewer))
        number = -1 if key in self.open else await position()
        share = self.open.get(key)
        if share is None:
            share = self.open[key] = Share(self, key, number, sight_of)
            share.start(self.execute(request, connection, viewer))
        share.enter(subscriber)
        return share

    def forget(self, share: Share) -> None:
        """Whoever joins next begins a new one."""
        if self.open.get(share.key) is share:
            del self.open[share.key]

    def _sight_of(self, document: Document, analysis: Analysis, viewer: Viewer) -> Hashable:
        return self.sharing.sight_of(viewer, document, analysis)


_part: ContextVar[Subscriber | Share | None] = ContextVar("part", default=None)


def begin(subscriber: Subscriber) -> None:
    """Make what this task executes the subscriber's own execution."""
    _part.set(subscriber)


def current() -> Subscriber | Share | None:
    """For whom a subscription is executed here: one subscriber, or a share; None outside of the transport."""
    return _part.get()
