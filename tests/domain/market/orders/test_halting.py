import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from api.market.clearing.bridge import clear_book
from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.grid import halts
from domain.grid.tables import ZoneHalt
from domain.identity.tables import PlatformRole
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound
from domain.market.clearing import book, clearings
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import halting, orders
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places import markets
from domain.market.places.tables import Market
from tests.conftest import AS_THE_APPLICATION
from tests.domain.market.clearing.batches import clear, next_batch
from tests.factories.grid import an_operator
from tests.factories.market import BUY, SELL, a_market, a_trader, a_zone, an_order, linked_markets, now

HOUR = timedelta(hours=1)


async def statuses(session: AsyncSession) -> dict[UUID, OrderStatus]:
    rows = await session.execute(select(Order.id, Order.status))
    return {row.id: row.status for row in rows}


async def acts(session: AsyncSession, chain: UUID) -> list[tuple[str, str]]:
    query = select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.chain == str(chain)).order_by(AuditEntry.sequence)
    return [(act, actor) for act, actor in await session.execute(query)]


async def told(session: AsyncSession) -> list[tuple[UUID, bool]]:
    """Who was told of a halt, and whether it began."""
    rows = await session.scalars(select(Notice).where(Notice.kind == "GRID_ALERT").order_by(Notice.id))
    return [(row.user_id, row.facts["is_halted"]) for row in rows]


async def zone_of(session: AsyncSession, market_id: UUID) -> UUID:
    zone_id = await session.scalar(select(Market.zone_id).where(Market.id == market_id))
    assert zone_id is not None
    return zone_id


async def halt(session: AsyncSession, viewer: Viewer, zone_id: UUID, **changes: Any) -> UUID:
    given = {"reason": "A transformer is on fire.", "expires_at": None, "now": now()} | changes
    return await halting.halt(session, viewer, zone_id, **given)


async def test_a_halt_keeps_orders_and_tells_their_owners_once(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    operator, buyer, other = await an_operator(session, zone), await a_trader(session), await a_trader(session)
    first, second = [await an_order(session, buyer, market, BUY, price=price) for price in ("0.1", "0.2")]
    third = await an_order(session, other, market, BUY, price="0.3")

    await halt(session, operator, zone)

    assert await statuses(session) == dict.fromkeys((first, second, third), OrderStatus.HALTED)
    assert sorted(await told(session)) == sorted([(buyer.user_id, True), (other.user_id, True)])
    assert await acts(session, zone) == [("zone.halt", operator.key)]
    assert (await acts(session, market))[-1] == ("market.halt", operator.key)


async def test_nothing_of_a_halted_zone_is_cleared(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    await an_order(session, await a_trader(session), market, BUY, price="0.3")
    await an_order(session, await a_trader(session), market, SELL, price="0.1")
    await halt(session, await an_operator(session, zone), zone)

    await clear(session, market)

    assert (await session.scalars(select(Trade))).all() == []
    assert set((await statuses(session)).values()) == {OrderStatus.HALTED}


async def test_resumed_orders_are_what_their_fill_says_and_have_their_place(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    operator = await an_operator(session, zone)
    early = await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
    late = await an_order(session, await a_trader(session), market, BUY, "1", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    await clear(session, market)
    await halt(session, operator, zone)

    await halting.resume(session, operator, zone, reason="The fire is out.", now=now())

    states = await statuses(session)
    assert (states[early], states[late]) == (OrderStatus.PARTIALLY_FILLED, OrderStatus.OPEN)
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    await clear(session, market)
    states = await statuses(session)
    assert (states[early], states[late]) == (OrderStatus.FILLED, OrderStatus.OPEN)
    assert await acts(session, zone) == [("zone.halt", operator.key), ("zone.resume", operator.key)]


async def test_a_resumed_market_is_due_again(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    operator = await an_operator(session, zone)
    await an_order(session, await a_trader(session), market, BUY)
    await halt(session, operator, zone)
    await clear(session, market, batch=int(now().timestamp()) + 60)
    later = now() + timedelta(minutes=5)
    assert await clearings.schedule(session, now=later) == []

    await halting.resume(session, operator, zone, reason="Done.", now=now())

    await session.execute(update(Market).where(Market.id == market).values(last_batch=int(now().timestamp()) - 60))
    assert len(await clearings.schedule(session, now=later)) == 1


async def test_other_zones_clear_without_the_halted_one(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="10")
    zone = await zone_of(session, cheap)
    await an_order(session, await a_trader(session), cheap, SELL, "5", "0.01")
    await an_order(session, await a_trader(session), dear, SELL, "1", "0.2")
    buyer = await a_trader(session)
    await an_order(session, buyer, dear, BUY, "3", "0.3")
    await halt(session, await an_operator(session, zone), zone)

    await clear(session, cheap)

    (trade,) = (await session.scalars(select(Trade))).all()
    assert (trade.market_id, trade.seller_market_id, trade.energy_ukwh) == (dear, dear, 1_000_000)


async def test_energy_sold_through_a_halted_zone_before_still_takes_its_way(session: AsyncSession) -> None:
    """What flows from the first zone over the second into the third leaves no room on the first link."""
    first, second = await linked_markets(session, kwh="1")
    third = await a_market(session)
    zones = [await zone_of(session, market) for market in (first, second, third)]
    admin = Viewer(user_id=(await a_trader(session)).user_id, roles=as_admin())
    await markets.link_zones(
        session, admin, from_zone_id=zones[1], to_zone_id=zones[2], capacity_ukwh=5_000_000, cost_ueur_per_kwh=0
    )
    await an_order(session, await a_trader(session), first, SELL, "1", "0.1")
    await an_order(session, await a_trader(session), third, BUY, "1", "0.3")
    await clear(session, first)
    await halt(session, await an_operator(session, zones[2]), zones[2])
    await an_order(session, await a_trader(session), first, SELL, "1", "0.1")
    await an_order(session, await a_trader(session), second, BUY, "1", "0.3")

    await clear(session, first)

    assert len((await session.scalars(select(Trade))).all()) == 1


def as_admin() -> frozenset[PlatformRole]:
    return frozenset({PlatformRole.ADMIN})


async def test_a_clearing_that_read_the_book_before_the_halt_is_read_again(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    await an_order(session, await a_trader(session), market, BUY, price="0.3")
    await an_order(session, await a_trader(session), market, SELL, price="0.1")
    read = await book.read(session, await markets.coupled(session, market), now=now())
    await halt(session, await an_operator(session, zone), zone)

    with pytest.raises(clearings.BookChanged):
        await clearings.record(session, read, clear_book(read), batch=next_batch(), job_id=None, now=now())

    assert (await session.scalars(select(Clearing))).all() == []


async def test_a_halt_ends_by_the_clock(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    operator = await an_operator(session, zone)
    order = await an_order(session, await a_trader(session), market, BUY)
    began = now()
    halt_id = await halt(session, operator, zone, expires_at=began + HOUR, now=began)

    assert await halting.resume_expired(session, now=began + HOUR - timedelta(seconds=1)) == []
    assert set(await halts.standing(session, [zone], now=began)) == {zone}
    assert await halting.resume_expired(session, now=began + HOUR) == [halt_id]
    assert await halting.resume_expired(session, now=began + HOUR) == []

    assert (await statuses(session))[order] is OrderStatus.OPEN
    assert await halts.standing(session, [zone], now=began + HOUR) == {}
    assert (await acts(session, zone))[-1] == ("zone.resume", "clock")


async def test_an_expired_halt_does_not_stand_in_the_way_of_another(session: AsyncSession) -> None:
    zone = await a_zone(session)
    operator, began = await an_operator(session, zone), now()
    first = await halt(session, operator, zone, expires_at=began + HOUR, now=began)

    second = await halt(session, operator, zone, now=began + 2 * HOUR)

    lifted = {row.id: row.lifted_at for row in await session.scalars(select(ZoneHalt))}
    assert lifted == {first: began + 2 * HOUR, second: None}


async def test_an_order_that_was_being_placed_is_halted_by_the_clock(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    early = await an_order(session, await a_trader(session), market, BUY)
    began = now()
    await halt(session, await an_operator(session, zone), zone, now=began)
    await session.execute(update(Order).values(status=OrderStatus.OPEN))  # As if it had been placed now.

    await halting.stop_late_orders(session, now=began + timedelta(seconds=1))

    assert await statuses(session) == {early: OrderStatus.HALTED}


async def test_halted_orders_can_be_withdrawn_and_expire(session: AsyncSession) -> None:
    market = await a_market(session)
    zone = await zone_of(session, market)
    trader = await a_trader(session)
    withdrawn, begun = [await an_order(session, trader, market, BUY) for _ in range(2)]
    await halt(session, await an_operator(session, zone), zone)

    await orders.cancel(session, trader, withdrawn, now=now())
    await orders.expire_due(session, [market], now=now() + timedelta(days=2))

    states = await statuses(session)
    assert (states[withdrawn], states[begun]) == (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"reason": " "}, InvalidValue),
        ({"reason": "x" * 501}, InvalidValue),
        ({"reason": "a\x00"}, InvalidValue),
        ({"expires_at": now() - HOUR}, InvalidValue),
    ],
)
async def test_a_halt_needs_a_reason_and_ends_after_now(
    session: AsyncSession, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    zone = await a_zone(session)

    with pytest.raises(refusal):
        await halt(session, await an_operator(session, zone), zone, **changes)

    assert (await session.scalars(select(ZoneHalt))).all() == []
    assert await acts(session, zone) == []


async def test_only_the_operator_of_a_zone_halts_it(session: AsyncSession) -> None:
    zone, other = await a_zone(session), await a_zone(session)
    stranger = await an_operator(session, other)

    for viewer in (stranger, await a_trader(session)):
        with pytest.raises(NotAllowed):
            await halt(session, viewer, zone)
        with pytest.raises(NotAllowed):
            await halting.resume(session, viewer, zone, reason="x", now=now())

    assert (await session.scalars(select(ZoneHalt))).all() == []


async def test_a_zone_is_halted_once_at_a_time(session: AsyncSession) -> None:
    zone = await a_zone(session)
    operator = await an_operator(session, zone)
    with pytest.raises(halts.ZoneNotHalted):
        await halting.resume(session, operator, zone, reason="x", now=now())
    first = await halt(session, operator, zone)

    with pytest.raises(halts.ZoneHalted) as refused:
        await halt(session, operator, zone, reason="another")

    assert (refused.value.halt_id, refused.value.reason) == (first, "A transformer is on fire.")
    assert len((await session.scalars(select(ZoneHalt))).all()) == 1


async def test_a_zone_that_is_not_there_cannot_be_halted(session: AsyncSession) -> None:
    nowhere = (await an_operator(session, await a_zone(session))).user_id
    assert nowhere is not None

    with pytest.raises(NotFound):
        await halt(session, Viewer(user_id=nowhere, roles=as_admin()), nowhere)


async def test_a_halt_waits_for_a_clearing_that_is_being_recorded(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as session, session.begin():
        market = await a_market(session)
        zone = await zone_of(session, market)
        operator = await an_operator(session, zone)
        buy = await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
        sell = await an_order(session, await a_trader(session), market, SELL, "1", "0.1")

    async def halted() -> None:
        async with AsyncSession(engine) as session, session.begin():
            await halt(session, operator, zone)

    async with AsyncSession(engine) as session, session.begin():
        await clear(session, market)
        halting_it = asyncio.create_task(halted())
        await asyncio.sleep(0.2)
        is_waiting = not halting_it.done()
    await halting_it

    async with AsyncSession(engine) as session:
        states = await statuses(session)
    await engine.dispose()
    assert is_waiting
    assert (states[buy], states[sell]) == (OrderStatus.HALTED, OrderStatus.FILLED)
