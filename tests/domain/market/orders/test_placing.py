"""Orders placed together come to the same as orders placed one after another, whatever the batches are."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.audit import entries
from domain.audit.tables import AuditEntry
from domain.events import verification as events_verification
from domain.events.tables import Event
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel import idempotency, sql
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.idempotency import IdempotencyInProgress, IdempotencyKey, IdempotencyKeyReused, Use
from domain.kernel.intervals import Period
from domain.market.clearing import verification
from domain.market.orders import orders, placing, validation
from domain.market.orders.placements import Request
from domain.market.orders.placing import PlacingOutcome
from domain.market.orders.tables import Order, OrderInterval
from domain.market.places.tables import EnergySource
from tests.conftest import AS_THE_APPLICATION
from tests.domain.market.orders import one_by_one
from tests.factories.market import (
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_proposal,
    a_trader,
    first_delivery,
    now,
)

Chance = random.Random


async def seen(session: AsyncSession, outcomes: Sequence[PlacingOutcome]) -> dict[str, list[Any]]:
    """Everything that placing writes and answers, with orders named by their place in the order of arrival."""
    session.expire_all()
    rows = list(await session.scalars(select(Order).order_by(Order.sequence)))
    name: dict[Any, int] = {order.id: place for place, order in enumerate(rows)}
    intervals = select(OrderInterval).order_by(OrderInterval.delivery_start)
    recorded = select(AuditEntry).where(AuditEntry.act == "order.place").order_by(AuditEntry.chain, AuditEntry.sequence)
    told = select(Event.stream, Event.sequence, Event.payload).order_by(Event.stream, Event.sequence)
    keys = select(IdempotencyKey).order_by(IdempotencyKey.actor, IdempotencyKey.key)
    return {
        "orders": [
            (o.market_id, o.owner_id, o.side, o.energy_ukwh, o.limit_price_ueur_per_kwh, o.source) for o in rows
        ],
        "deliveries": [(o.delivery_start, o.delivery_end, o.status, o.filled_ukwh, o.closed_at) for o in rows],
        "intervals": sorted(
            (name[i.order_id], i.delivery_start, i.market_id, i.energy_ukwh, i.filled_ukwh, i.is_open)
            for i in await session.scalars(intervals)
        ),
        "entries": [
            (e.chain, e.sequence, e.actor, e.subject_type, name[e.subject_id], e.facts)
            for e in await session.scalars(recorded)
        ],
        "events": [tuple(row) for row in await session.execute(told)],
        "keys": [(k.actor, k.key, k.input_digest, name[k.result_id]) for k in await session.scalars(keys)],
        "outcomes": [
            (type(outcome), outcome.message) if isinstance(outcome, DomainError) else name[outcome]
            for outcome in outcomes
        ],
    }


async def breaches(session: AsyncSession) -> list[Any]:
    """What `verify` would tell of orders, the audit log and the event feed."""
    found: list[Any] = [breach async for breach in entries.verify(session)]
    found += [breach async for breach in events_verification.breaches(session)]
    return found + [breach async for breach in verification.breaches(session)]


def some_requests(chance: Chance, traders: Sequence[Viewer], markets: Sequence[UUID], count: int) -> list[Request]:
    """Requests of several traders with few keys, so that many are repeated, and with all kinds of faults."""
    misaligned = Period(first_delivery() + timedelta(minutes=5), first_delivery() + QUARTER)
    overrides: list[dict[str, Any]] = [
        *({"delivery": a_delivery(first, length)} for first in range(3) for length in (1, 4)),
        {"source": EnergySource.SOLAR},
        {"delivery": misaligned},
        {"delivery": a_delivery(10_000)},
        {"delivery": Period(first_delivery() - 9 * QUARTER * 4, first_delivery())},
    ]
    requests: list[Request] = []
    for _ in range(count):
        if requests and chance.random() < 0.2:
            requests.append(chance.choice(requests))
            continue
        kwh, price = (
            chance.choice(["1", "2"] * 4 + ["1.0005", "0"]),
            chance.choice(["0.1", "0.2"] * 4 + ["9", "0.00001"]),
        )
        proposal = a_proposal(
            chance.choice(markets), chance.choice([BUY, SELL]), kwh, price, **chance.choice(overrides)
        )
        key = chance.choice(["", "k" * 201, "a\x00", *(f"key {number}" for number in range(12))])
        requests.append(Request(chance.choice(traders), key, proposal))
    return requests


async def in_batches(
    session: AsyncSession, requests: Sequence[Request], chance: Chance, at: Any
) -> list[PlacingOutcome]:
    outcomes: list[PlacingOutcome] = []
    while len(outcomes) < len(requests):
        size = chance.choice([1, 2, 7, 50])
        outcomes += await placing.place_many(session, requests[len(outcomes) : len(outcomes) + size], now=at)
    return outcomes


@pytest.mark.parametrize("seed", range(25))
async def test_placing_together_comes_to_the_same_as_one_by_one(session: AsyncSession, seed: int) -> None:
    chance = Chance(seed)
    traders = [await a_trader(session) for _ in range(3)]
    scopes = frozenset({"read"})
    traders.append(Viewer(traders[0].user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=scopes))
    markets = [*[await a_market(session) for _ in range(3)], await a_market(session, delivery_minutes=60), new_id()]
    requests = some_requests(chance, traders, markets, 60)
    at = now()

    async def outcome_of(place: Callable[[], Awaitable[list[PlacingOutcome]]]) -> dict[str, list[Any]]:
        async with session.begin_nested() as savepoint:
            found = await seen(session, await place())
            assert await breaches(session) == []
            await savepoint.rollback()
        return found

    expected = await outcome_of(lambda: one_by_one.place_all(session, requests, at))
    found = await outcome_of(lambda: in_batches(session, requests, chance, at))

    assert found == expected
    assert found["orders"]


async def test_orders_of_a_batch_are_numbered_as_they_arrived(session: AsyncSession) -> None:
    traders, markets = [await a_trader(session) for _ in range(3)], [await a_market(session) for _ in range(3)]
    requests = [Request(traders[n % 3], f"key {n}", a_proposal(markets[n * 7 % 3])) for n in range(150)]

    placed = await placing.place_many(session, requests, now=now())

    assert list(await session.scalars(select(Order.id).order_by(Order.sequence))) == placed


async def test_within_a_batch_a_key_stands_for_its_first_good_request(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    good, other = a_proposal(market, kwh="1"), a_proposal(market, kwh="2")
    requests = [Request(trader, "a key", each) for each in (a_proposal(new_id()), good, good, other)]

    refused, placed, again, reused = await placing.place_many(session, requests, now=now())

    assert isinstance(refused, NotFound)
    assert again == placed
    assert isinstance(reused, IdempotencyKeyReused)
    (key,) = await session.scalars(select(IdempotencyKey))
    assert (key.result_id, key.created_at) == (placed, reused.used_at)
    assert list(await session.scalars(select(Order.id))) == [placed]


async def test_nothing_is_written_for_a_batch_of_refusals(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    requests = [Request(trader, "", a_proposal(market)), Request(trader, "k", a_proposal(market, kwh="0"))]

    outcomes = await placing.place_many(session, requests, now=now())

    assert [type(outcome) for outcome in outcomes] == [InvalidValue, validation.EnergyOutOfBounds]
    assert await placing.place_many(session, [], now=now()) == []
    for table in (Order, IdempotencyKey, Event):
        assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_a_key_that_another_transaction_holds_stops_its_own_request_only(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        trader, neighbour = await a_trader(session), await a_trader(session)
        market, other = await a_market(session), await a_market(session)

    async with AsyncSession(engine) as first, AsyncSession(engine) as second, first.begin():
        await placing.place(first, trader, "held", a_proposal(market), now=now())
        async with second.begin():
            asked = (neighbour, "one"), (trader, "held"), (neighbour, "two")
            requests = [Request(viewer, key, a_proposal(other)) for viewer, key in asked]
            outcomes = await placing.place_many(second, requests, now=now())
    async with AsyncSession(engine) as session:
        count = await session.scalar(select(func.count()).select_from(Order))
    await engine.dispose()

    assert [type(outcome) for outcome in outcomes] == [UUID, IdempotencyInProgress, UUID]
    assert count == 3


async def test_a_key_whose_first_request_ended_at_this_moment_is_still_in_progress(session: AsyncSession) -> None:
    session.add(IdempotencyKey(actor="user", key="a key", input_digest=b"", result_id=new_id()))
    results = {Use("user", "another key", b""): new_id(), Use("user", "a key", b""): new_id()}

    told = await sql.write(session, idempotency.remembering(results))

    with pytest.raises(IdempotencyInProgress) as refused:
        idempotency.check_remembered(results, told.remembered)
    assert refused.value.key == "a key"


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_repetition_that_finds_the_money_gone_gives_the_order_that_took_it(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, is_same: bool
) -> None:
    """The first request commits between the snapshot and the lock of the repetition, which sees no key then."""
    trader, market, first_id = await a_trader(session, funds="0"), await a_market(session), new_id()
    request = Request(trader, "a key", a_proposal(market))
    digest = request.use.input_digest if is_same else b"another input"
    read = placing._read

    async def overtaken(*given: Any) -> Any:
        rows = await read(*given)
        session.add(IdempotencyKey(actor=trader.key, key="a key", input_digest=digest, result_id=first_id))
        await session.flush()
        return rows

    monkeypatch.setattr(placing, "_read", overtaken)

    (outcome,) = await placing.place_many(session, [request], now=now())

    assert outcome == first_id if is_same else isinstance(outcome, IdempotencyKeyReused)


async def test_a_key_used_after_the_snapshot_that_looked_for_it_is_found(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    use, first_id = Use("user", "a key", b"input"), new_id()
    rows = await idempotency.FIRST.rows(session, idempotency.held([use]))
    session.add(IdempotencyKey(actor="user", key="a key", input_digest=b"input", result_id=first_id))
    await session.flush()

    class Earlier:
        async def rows(self, *_: Any) -> Any:
            return rows

    monkeypatch.setattr(idempotency, "FIRST", Earlier())

    assert await idempotency.hold(session, use) == first_id


async def test_a_broken_constraint_leaves_nothing_of_the_batch(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    stranger = Viewer(user_id=new_id())
    requests = [Request(viewer, "a key", a_proposal(market, SELL)) for viewer in (trader, stranger)]

    with pytest.raises(IntegrityError):
        async with session.begin_nested():
            await placing.place_many(session, requests, now=now())

    assert await seen(session, []) == {
        name: [] for name in ("orders", "deliveries", "intervals", "entries", "events", "keys", "outcomes")
    }
    assert await breaches(session) == []


async def test_batches_of_several_connections_neither_deadlock_nor_break_a_chain(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION, pool_size=6)
    async with AsyncSession(engine) as session, session.begin():
        traders = [await a_trader(session) for _ in range(4)]
        markets = [await a_market(session) for _ in range(5)]

    async def place_some(chance: Chance, name: str) -> dict[UUID, Viewer]:
        requests = [
            Request(chance.choice(traders), f"{name} {n}", a_proposal(chance.choice(markets)))
            for n in range(chance.randrange(1, 20))
        ]
        async with AsyncSession(engine) as session, session.begin():
            outcomes = await placing.place_many(session, requests, now=now())
        return {
            order_id: request.viewer
            for order_id, request in zip(outcomes, requests, strict=True)
            if isinstance(order_id, UUID)
        }

    async def trade(number: int) -> set[UUID]:
        chance, ids = Chance(number), set()
        for batch in range(12):
            placed = await place_some(chance, f"{number} {batch}")
            cancelled, owner = chance.choice(list(placed.items()))
            async with AsyncSession(engine) as session, session.begin():
                await orders.cancel(session, owner, cancelled, now=now())
            ids |= placed.keys() - {cancelled}
        return ids

    async with asyncio.timeout(60):
        placed = set().union(*await asyncio.gather(*map(trade, range(6))))
    async with AsyncSession(engine) as session:
        found = await breaches(session)
        still_open = set(await session.scalars(select(Order.id).where(Order.closed_at.is_(None))))
    await engine.dispose()

    assert found == []
    assert still_open == placed
