"""Requests that arrive together share a transaction, and nothing else: no fault, no answer, no departure."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from api.market.orders.placing import Queue, queue_of
from api.resources import database
from api.resources.database import Database
from api.resources.terms import DatabaseUnreachable
from domain.audit import entries
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from domain.kernel.sql import Transaction
from domain.market.orders import placing
from domain.market.orders.placements import Request
from domain.market.orders.tables import Order
from domain.market.orders.validation import OffLot
from tests.factories.market import SELL, a_market, a_proposal, a_trader


class Counting:
    """A database that counts the transactions it gives, and can fail them or make them wait."""

    def __init__(self, real: Database) -> None:
        self.real = real
        self.begun = 0
        self.committed = 0
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    @asynccontextmanager
    async def bare_transaction(self) -> AsyncIterator[Transaction]:
        self.begun += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        async with self.real.bare_transaction() as transaction:
            yield transaction
        self.committed += 1


class World:
    """A market, a trader and a queue to a database of the test's own."""

    def __init__(self, real: Database, trader: Viewer, market: UUID) -> None:
        self.database = Counting(real)
        self.queue = Queue(self.database, together_max=50)
        self.trader = trader
        self.market = market

    def request(self, key: str, **given: Any) -> Request:
        return Request(given.pop("viewer", self.trader), key, a_proposal(self.market, **given))

    async def together(self, *requests: Request) -> list[Any]:
        """What becomes of requests that arrive at the same moment."""
        return await asyncio.gather(*(self.queue.place(request) for request in requests), return_exceptions=True)

    async def stored(self) -> list[UUID]:
        async with self.database.real.transaction() as session:
            assert [breach async for breach in entries.verify(session)] == []
            return list(await session.scalars(select(Order.id).order_by(Order.sequence)))


@pytest.fixture
async def world(fresh_database: str) -> AsyncIterator[World]:
    connected = database.connect(fresh_database, role="commonwatt_app", pool=5)
    async with connected.transaction() as session:
        trader, market = await a_trader(session), await a_market(session)
    yield World(connected, trader, market)
    await connected.close()


async def test_requests_that_arrive_together_are_placed_in_one_transaction_in_their_order(world: World) -> None:
    placed = await world.together(*(world.request(f"key {n}") for n in range(40)))

    assert await world.stored() == placed
    assert world.database.begun == 1


async def test_what_arrives_meanwhile_is_the_next_batch_and_batches_have_a_limit(world: World) -> None:
    world.database.gate.clear()
    first = asyncio.create_task(world.queue.place(world.request("first")))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(world.queue.place(world.request(f"key {n}"))) for n in range(70)]
    await asyncio.sleep(0.01)
    begun_meanwhile = world.database.begun
    world.database.gate.set()

    placed = [await first, *await asyncio.gather(*others)]

    assert begun_meanwhile == 1
    assert world.database.begun == 3
    assert await world.stored() == placed


async def test_an_answer_comes_after_the_commit(world: World) -> None:
    order_id = await world.queue.place(world.request("a key"))

    assert world.database.committed == 1
    assert await world.stored() == [order_id]


async def test_a_refusal_is_for_its_own_request(world: World) -> None:
    good, off_lot, again, reused = await world.together(
        world.request("one"), world.request("two", kwh="1.0005"), world.request("one"), world.request("one", kwh="2")
    )

    assert isinstance(off_lot, OffLot)
    assert again == good
    assert isinstance(reused, IdempotencyKeyReused)
    assert await world.stored() == [good]


@pytest.mark.parametrize("fault", [0, 17, 29])
async def test_a_request_that_breaks_the_transaction_fails_alone(world: World, fault: int) -> None:
    requests = [world.request(f"key {n}") for n in range(30)]
    requests[fault] = world.request("nobody's", viewer=Viewer(user_id=new_id()), side=SELL)

    outcomes = await world.together(*requests)

    assert isinstance(outcomes.pop(fault), asyncpg.ForeignKeyViolationError)
    assert await world.stored() == outcomes
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    assert world.database.committed < 6


async def test_a_lost_race_for_a_key_fails_or_repeats_its_own_request_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = placing.place_many, []

    async def overtaken(transaction: Transaction, requests: Any, *, now: Any) -> Any:
        asked.append([request.key for request in requests])
        if "b" in asked[-1]:
            raise IdempotencyInProgress("b")
        return await real(transaction, requests, now=now)

    monkeypatch.setattr(placing, "place_many", overtaken)
    first, second, third = await world.together(*(world.request(key) for key in "abc"))

    assert isinstance(second, IdempotencyInProgress)
    assert await world.stored() == [first, third]
    assert asked == [["a", "b", "c"], ["a"], ["b", "c"], ["b"], ["c"]]


async def test_an_outage_fails_all_at_once_and_the_queue_goes_on(world: World) -> None:
    world.database.failure = DatabaseUnreachable("The connection was lost.")
    failed = await world.together(*(world.request(f"key {n}") for n in range(20)))
    begun = world.database.begun
    world.database.failure = None
    placed = await world.together(*(world.request(f"key {n}") for n in range(20)))

    assert [type(outcome) for outcome in failed] == [DatabaseUnreachable] * 20
    assert begun == 1
    assert await world.stored() == placed


async def test_who_leaves_early_is_not_placed_and_who_leaves_late_is(world: World) -> None:
    world.database.gate.clear()
    late = asyncio.create_task(world.queue.place(world.request("late")))
    await asyncio.sleep(0.01)
    early = asyncio.create_task(world.queue.place(world.request("early")))
    staying = asyncio.create_task(world.queue.place(world.request("staying")))
    await asyncio.sleep(0.01)
    for leaving in (late, early):
        leaving.cancel()
    await asyncio.gather(late, early, return_exceptions=True)
    world.database.gate.set()

    stayed = await staying
    again = await world.queue.place(world.request("late"))

    assert await world.stored() == [again, stayed]


async def test_finishing_waits_for_what_was_asked_for(world: World) -> None:
    await world.queue.finish()
    leaving = asyncio.create_task(world.queue.place(world.request("a key")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()

    await world.queue.finish()

    assert len(await world.stored()) == 1


async def test_two_processes_place_orders_of_one_market_side_by_side(world: World) -> None:
    queues = [Queue(world.database), Queue(world.database)]

    async def call(number: int) -> list[Any]:
        """Half the keys are asked for by both."""
        outcomes = []
        for turn in range(10):
            key = f"{number // 2 if turn % 2 else number} {turn}"
            with contextlib.suppress(IdempotencyInProgress):  # It is being placed for the other.
                outcomes.append(await queues[number % 2].place(world.request(key)))
        return outcomes

    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*(call(number) for number in range(16)))
    stored = await world.stored()

    assert {outcome for each in outcomes for outcome in each} == set(stored)
    assert len(stored) == 16 * 5 + 8 * 5


async def test_a_database_has_one_queue_which_goes_with_it(world: World) -> None:
    other = Counting(world.database.real)
    queue = queue_of(other)

    assert queue_of(other) is queue
    assert queue_of(world.database) is not queue
    assert isinstance(await queue.place(world.request("a key")), UUID)
    gone = weakref.ref(queue), weakref.ref(other)
    del queue, other
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
