import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.audit.tables import AuditEntry
from domain.events import feed
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound
from domain.kernel.idempotency import IdempotencyInProgress, IdempotencyKey, IdempotencyKeyReused
from domain.kernel.intervals import Period
from domain.market.orders import amending, orders, placing, validation
from domain.market.orders.amending import Change
from domain.market.orders.tables import Order, OrderInterval, OrderStatus
from domain.market.places import changes
from domain.market.places.tables import EnergySource
from tests.conftest import AS_THE_APPLICATION
from tests.factories.communities import own_plant
from tests.factories.identity import a_user
from tests.factories.market import (
    ADMIN,
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_proposal,
    a_trader,
    an_order,
    first_delivery,
    fund,
    now,
)


async def stored(session: AsyncSession) -> tuple[int, ...]:
    """How many orders, intervals, keys and entries of orders there are."""
    placed = select(func.count()).select_from(AuditEntry).where(AuditEntry.act.startswith("order."))
    counts = [select(func.count()).select_from(table) for table in (Order, OrderInterval, IdempotencyKey)]
    return tuple([(await session.execute(query)).scalar_one() for query in (*counts, placed)])


async def test_places_one_order_whose_energy_applies_to_each_interval(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    assert trader.user_id is not None
    await own_plant(session, trader.user_id)
    proposal = a_proposal(market, SELL, "1.5", "-0.05", delivery=a_delivery(0, 3), source=EnergySource.SOLAR)

    order_id = await placing.place(session, trader, "a key", proposal, now=now())

    order = await session.get_one(Order, order_id)
    assert (order.owner_id, order.side, order.status) == (trader.user_id, SELL, OrderStatus.OPEN)
    assert (order.energy_ukwh, order.limit_price_ueur_per_kwh, order.source) == (1_500_000, -50_000, "SOLAR")
    intervals = await session.scalars(select(OrderInterval).order_by(OrderInterval.delivery_start))
    assert [(each.delivery_start, each.energy_ukwh, each.filled_ukwh, each.is_open) for each in intervals] == [
        (first_delivery() + i * QUARTER, 1_500_000, 0, True) for i in range(3)
    ]
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.act == "order.place"))).one()
    assert (entry.chain, entry.actor, entry.subject_id) == (str(market), trader.key, order_id)
    assert await feed.last_sequence(session, changes.stream_of(market)) == 1


REFUSED: list[tuple[dict[str, Any], type[Exception], dict[str, Any]]] = [
    ({"kwh": "0.0005"}, validation.EnergyOutOfBounds, {"lowest_ukwh": 1_000, "highest_ukwh": 10**11}),
    ({"kwh": "0"}, validation.EnergyOutOfBounds, {}),
    ({"kwh": "-1"}, validation.EnergyOutOfBounds, {}),
    ({"kwh": "100000.001"}, validation.EnergyOutOfBounds, {}),
    ({"kwh": "1.0005"}, validation.OffLot, {"energy_ukwh": 1_000_500, "lot_ukwh": 1_000}),
    ({"price": "4.0001"}, validation.PriceOutOfBounds, {"highest_ueur_per_kwh": 4_000_000}),
    ({"price": "-4.0001"}, validation.PriceOutOfBounds, {"lowest_ueur_per_kwh": -4_000_000}),
    ({"price": "0.00005"}, validation.OffTick, {"limit_price_ueur_per_kwh": 50, "tick_ueur_per_kwh": 100}),
    ({"source": EnergySource.WIND}, InvalidValue, {"path": ("source",)}),
    (
        {"delivery": Period(first_delivery() + timedelta(minutes=5), first_delivery() + QUARTER)},
        validation.DeliveryMisaligned,
        {"delivery_minutes": 15},
    ),
    (
        {"delivery": Period(first_delivery(), first_delivery() + timedelta(minutes=20))},
        validation.DeliveryMisaligned,
        {"delivery_minutes": 15},
    ),
]


@pytest.mark.parametrize(("given", "refusal", "facts"), REFUSED)
async def test_refuses_an_order_that_breaks_a_rule_and_stores_nothing(
    session: AsyncSession, given: dict[str, Any], refusal: type[Exception], facts: dict[str, Any]
) -> None:
    trader, market = await a_trader(session), await a_market(session)

    with pytest.raises(refusal) as refused:
        await placing.place(session, trader, "a key", a_proposal(market, BUY, **given), now=now())

    assert {name: getattr(refused.value, name) for name in facts} == facts
    assert await stored(session) == (0, 0, 0, 0)
    assert await feed.last_sequence(session, changes.stream_of(market)) == 0


async def test_the_gate_closes_when_delivery_begins(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    start = first_delivery()

    with pytest.raises(validation.GateClosed) as refused:
        await placing.place(session, trader, "late", a_proposal(market), now=start)
    await placing.place(session, trader, "early", a_proposal(market), now=start - timedelta(microseconds=1))

    assert refused.value.gate_closed_at == start
    assert await stored(session) == (1, 1, 1, 1)


async def test_trades_deliveries_that_end_within_the_horizon(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session, horizon_hours=2)
    at = first_delivery() + QUARTER - timedelta(hours=2)

    with pytest.raises(validation.BeyondHorizon) as refused:
        await placing.place(session, trader, "far", a_proposal(market), now=at - timedelta(seconds=1))
    await placing.place(session, trader, "near", a_proposal(market), now=at)

    assert refused.value.trades_until == at - timedelta(seconds=1) + timedelta(hours=2)
    assert await stored(session) == (1, 1, 1, 1)


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00"])
async def test_refuses_a_key_that_is_none(session: AsyncSession, key: str) -> None:
    trader, market = await a_trader(session), await a_market(session)

    with pytest.raises(InvalidValue) as refused:
        await placing.place(session, trader, key, a_proposal(market), now=now())

    assert refused.value.path == ("idempotencyKey",)
    assert await stored(session) == (0, 0, 0, 0)


async def test_an_unknown_market_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await placing.place(session, await a_trader(session), "a key", a_proposal(new_id()), now=now())

    assert await stored(session) == (0, 0, 0, 0)


@pytest.mark.parametrize(("scope", "is_allowed"), [("trade", True), ("read", False), ("readings:write", False)])
async def test_an_application_trades_with_the_scope_trade(
    session: AsyncSession, scope: str, *, is_allowed: bool
) -> None:
    market, owner = await a_market(session), await a_user(session)
    key = Viewer(user_id=owner.id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({scope}))
    await fund(session, key)

    if is_allowed:
        order_id = await placing.place(session, key, "a key", a_proposal(market), now=now())
        await orders.cancel(session, key, order_id, now=now())
        assert (await session.get_one(Order, order_id)).owner_id == owner.id
    else:
        with pytest.raises(NotAllowed):
            await placing.place(session, key, "a key", a_proposal(market), now=now())
        with pytest.raises(NotAllowed):
            await orders.cancel(session, key, new_id(), now=now())
        assert await stored(session) == (0, 0, 0, 0)


async def test_the_same_request_again_gives_the_same_order_even_when_the_gate_has_closed(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    first = await placing.place(session, trader, "a key", a_proposal(market), now=now())
    before = await stored(session)

    again = await placing.place(session, trader, "a key", a_proposal(market), now=first_delivery() + QUARTER)

    assert again == first
    assert await stored(session) == before


async def test_a_key_stands_for_one_input_of_one_actor(session: AsyncSession) -> None:
    trader, other, market = await a_trader(session), await a_trader(session), await a_market(session)
    await placing.place(session, trader, "a key", a_proposal(market, kwh="1"), now=now())

    with pytest.raises(IdempotencyKeyReused):
        await placing.place(session, trader, "a key", a_proposal(market, kwh="2"), now=now())
    await placing.place(session, other, "a key", a_proposal(market, kwh="2"), now=now())

    assert await stored(session) == (2, 2, 2, 2)


async def test_of_equal_requests_at_once_one_places_the_order(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        trader, market = await a_trader(session), await a_market(session)

    async def place() -> object:
        try:
            async with AsyncSession(engine) as session, session.begin():
                return await placing.place(session, trader, "a key", a_proposal(market), now=now())
        except IdempotencyInProgress as refused:
            return refused

    outcomes = await asyncio.gather(*(place() for _ in range(5)))
    made = {outcome for outcome in outcomes if not isinstance(outcome, IdempotencyInProgress)}
    again = await place()
    async with AsyncSession(engine) as session:
        counts = await stored(session)
    await engine.dispose()

    assert made == {again}
    assert counts == (1, 1, 1, 1)


async def test_a_key_is_held_until_its_first_request_has_ended(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        trader, market = await a_trader(session), await a_market(session)

    async with AsyncSession(engine) as first, AsyncSession(engine) as second, first.begin():
        order_id = await placing.place(first, trader, "a key", a_proposal(market), now=now())
        with pytest.raises(IdempotencyInProgress) as refused:
            async with second.begin():
                await placing.place(second, trader, "a key", a_proposal(market), now=now())
    async with AsyncSession(engine) as session, session.begin():
        again = await placing.place(session, trader, "a key", a_proposal(market), now=now())
        counts = await stored(session)
    await engine.dispose()

    assert refused.value.key == "a key"
    assert again == order_id
    assert counts == (1, 1, 1, 1)


async def test_to_amend_again_while_the_first_request_runs_is_no_refusal_of_the_order(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        trader, market = await a_trader(session), await a_market(session)
        order_id = await an_order(session, trader, market, BUY)
    change = Change(energy_ukwh=500_000)

    async with AsyncSession(engine) as first, AsyncSession(engine) as second, first.begin():
        amended = await amending.amend(first, trader, "a key", order_id, change, now=now())
        with pytest.raises(IdempotencyInProgress):
            async with asyncio.timeout(5), second.begin():
                await amending.amend(second, trader, "a key", order_id, change, now=now())
    async with AsyncSession(engine) as session, session.begin():
        again = await amending.amend(session, trader, "a key", order_id, change, now=now())
    await engine.dispose()

    assert again == amended


async def test_cancels_what_is_open(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    order_id = await an_order(session, trader, market, BUY, delivery=a_delivery(0, 2))
    at = now()

    await orders.cancel(session, trader, order_id, now=at)

    order = await session.get_one(Order, order_id, populate_existing=True)
    assert (order.status, order.closed_at, order.filled_ukwh) == (OrderStatus.CANCELLED, at, 0)
    assert set(await session.scalars(select(OrderInterval.is_open))) == {False}
    acts = await session.scalars(
        select(AuditEntry.act).where(AuditEntry.chain == str(market)).order_by(AuditEntry.sequence)
    )
    assert list(acts) == ["market.create", "order.place", "order.cancel"]
    assert await feed.last_sequence(session, changes.stream_of(market)) == 2


async def test_only_the_owner_cancels_and_others_do_not_learn_that_there_is_an_order(session: AsyncSession) -> None:
    trader, other, market = await a_trader(session), await a_trader(session), await a_market(session)
    order_id = await an_order(session, trader, market, BUY)

    with pytest.raises(NotFound):
        await orders.cancel(session, other, order_id, now=now())
    with pytest.raises(NotAllowed):
        await orders.cancel(session, ADMIN, order_id, now=now())
    with pytest.raises(NotFound):
        await orders.cancel(session, trader, new_id(), now=now())

    assert (await session.get_one(Order, order_id, populate_existing=True)).status is OrderStatus.OPEN
    assert await stored(session) == (1, 1, 1, 1)


async def test_a_closed_order_is_not_cancelled_again(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    order_id = await an_order(session, trader, market, BUY)
    at = now()
    await orders.cancel(session, trader, order_id, now=at)

    with pytest.raises(orders.OrderClosed) as refused:
        await orders.cancel(session, trader, order_id, now=now())

    assert (refused.value.order_id, refused.value.status, refused.value.closed_at) == (
        order_id,
        OrderStatus.CANCELLED,
        at,
    )
    assert await stored(session) == (1, 1, 1, 2)


async def test_closes_intervals_one_by_one_as_delivery_begins(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    order_id = await an_order(session, trader, market, BUY, delivery=a_delivery(0, 2))

    early = await orders.expire_due(session, [market], now=first_delivery() - timedelta(seconds=1))
    first = await orders.expire_due(session, [market], now=first_delivery())
    order = await session.get_one(Order, order_id, populate_existing=True)
    half_way = order.status, order.closed_at
    second = await orders.expire_due(session, [market], now=first_delivery() + QUARTER)
    nothing_left = await orders.expire_due(session, [market], now=first_delivery() + 2 * QUARTER)

    order = await session.get_one(Order, order_id, populate_existing=True)
    assert (early, first, second, nothing_left) == ([], [order_id], [order_id], [])
    assert half_way == (OrderStatus.OPEN, None)
    assert (order.status, order.closed_at) == (OrderStatus.EXPIRED, first_delivery() + QUARTER)
    acts = await session.scalars(
        select(AuditEntry.act).where(AuditEntry.chain == str(market)).order_by(AuditEntry.sequence)
    )
    assert list(acts) == ["market.create", "order.place", "order.expire", "order.expire"]


def test_final_statuses_lead_nowhere() -> None:
    final = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
    assert frozenset(final) == orders.FINAL
    with pytest.raises(AssertionError):
        orders.move(OrderStatus.CANCELLED, OrderStatus.FILLED)
    with pytest.raises(AssertionError):
        orders.move(OrderStatus.PARTIALLY_FILLED, OrderStatus.OPEN)
