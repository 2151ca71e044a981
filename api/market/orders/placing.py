"""Orders of one process are placed together: whatever arrived while the last transaction ran shares the next one.

Nobody waits for company: a request that finds nothing running begins at once. So a lone order is as quick as ever,
and a crowd shares the round trips, the locks and the wait for the disk.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary, proxy

from sqlalchemy.exc import DBAPIError

from api.resources import clock
from domain.kernel.errors import DomainError
from domain.kernel.sql import Transaction
from domain.market.orders import placing
from domain.market.orders.placements import Request
from domain.market.orders.placing import PlacingOutcome

TOGETHER_MAX = 200  # Keeps a transaction within tens of milliseconds.

# SQLSTATE classes of failures that one request may bring on all that share its transaction: bad data, a broken
# constraint, a deadlock or lost race. Anything else, such as an outage, would only fail again for each of them.
OF_ONE = ("22", "23", "40")


class Transactions(Protocol):
    """Something that gives transactions, such as a Database."""

    @property
    def bare_transaction(self) -> Callable[[], AbstractAsyncContextManager[Transaction]]:
        """One transaction, committed at the end and rolled back by any exception."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    request: Request
    outcome: "asyncio.Future[PlacingOutcome]"

    def answer(self, outcome: PlacingOutcome) -> None:
        if not self.outcome.done():  # Its caller may have left.
            self.outcome.set_result(outcome)

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Queue:
    """Requests that wait to be placed, in their order of arrival."""

    def __init__(self, database: Transactions, together_max: int = TOGETHER_MAX) -> None:
        self._database = database
        self._together_max = together_max
        self._waiting: deque[_Waiting] = deque()
        self._work: asyncio.Task[None] | None = None

    async def place(self, request: Request) -> UUID:
        """Place an order; returns after commit. Raises what `domain.market.orders.placing.place` raises.

        Who is cancelled meanwhile may find the order placed, and asks again with the same key.
        """
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._work is None:
            self._work = asyncio.create_task(self._empty())
        outcome = await waiting.outcome
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def finish(self) -> None:
        """Wait until everything that was asked for is answered."""
        if self._work is not None:
            await self._work

    async def _empty(self) -> None:
        try:
            while together := self._take():
                await self._place(together)
        finally:
            self._work = None

    def _take(self) -> list[_Waiting]:
        together: list[_Waiting] = []
        while self._waiting and len(together) < self._together_max:
            waiting = self._waiting.popleft()
            if not waiting.outcome.done():
                together.append(waiting)
        return together

    async def _place(self, together: Sequence[_Waiting]) -> None:
        """Place requests in one transaction; where it fails, in halves, so that only what is at fault fails."""
        try:
            outcomes = await self._commit([waiting.request for waiting in together])
        except Exception as error:
            if len(together) > 1 and _may_be_of_one(error):
                middle = len(together) // 2
                await self._place(together[:middle])
                await self._place(together[middle:])
            else:
                for waiting in together:
                    waiting.fail(error)
        else:
            for waiting, outcome in zip(together, outcomes, strict=True):
                waiting.answer(outcome)

    async def _commit(self, requests: Sequence[Request]) -> list[PlacingOutcome]:
        async with self._database.bare_transaction() as transaction:
            return await placing.place_many(transaction, requests, now=clock.now())


def _may_be_of_one(error: Exception) -> bool:
    said_by = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(said_by, "sqlstate", None)
    return not isinstance(said_by, OSError) if state is None else state.startswith(OF_ONE)


_QUEUES: WeakKeyDictionary[Transactions, Queue] = WeakKeyDictionary()


def queue_of(database: Transactions) -> Queue:
    """The one queue of a process for a database."""
    queue = _QUEUES.get(database)
    if queue is None:
        # A value that held its key would keep both for ever.
        queue = _QUEUES[database] = Queue(proxy(database))
    return queue
