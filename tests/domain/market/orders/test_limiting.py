from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.grid import limits
from domain.grid.tables import LimitKind, ZoneLimit
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue, NotAllowed
from domain.market.orders import halting, limiting
from domain.market.orders.tables import Order, OrderInterval, OrderStatus
from domain.market.places.tables import Market
from tests.factories.grid import an_operator
from tests.factories.market import BUY, a_market, a_trader, a_zone, an_order, now

KWH = 1_000_000


async def a_limited_market(session: AsyncSession) -> tuple[UUID, UUID, Viewer]:
    """A market, its zone and the zone's operator."""
    market = await a_market(session)
    zone = await session.scalar(select(Market.zone_id).where(Market.id == market))
    assert zone is not None
    return market, zone, await an_operator(session, zone)


async def limit(session: AsyncSession, viewer: Viewer, zone: UUID, kind: LimitKind, energy_ukwh: int) -> UUID:
    return await limiting.set_limit(
        session, viewer, zone, kind, energy_ukwh=energy_ukwh, reason="The line is weak.", now=now()
    )


async def state(session: AsyncSession, order_id: UUID) -> tuple[OrderStatus, str | None, int, bool]:
    """Status, why it ended, what is held, and whether anything is open."""
    order = await session.get_one(Order, order_id, populate_existing=True)
    still = select(func.bool_or(OrderInterval.is_open)).where(OrderInterval.order_id == order_id)
    return order.status, order.closed_reason, order.held_ueur, bool(await session.scalar(still))


async def test_open_orders_beyond_a_limit_per_order_are_rejected(session: AsyncSession) -> None:
    market, zone, operator = await a_limited_market(session)
    owner = await a_trader(session)
    fits = await an_order(session, owner, market, BUY, "2")
    breaks = await an_order(session, owner, market, BUY, "2.001")

    await limit(session, operator, zone, LimitKind.PER_ORDER, 2 * KWH)

    assert await state(session, breaks) == (OrderStatus.REJECTED, "ZONE_LIMIT", 0, False)
    assert (await state(session, fits))[:2] == (OrderStatus.OPEN, None)
    told = (await session.scalars(select(Notice).where(Notice.kind == "ORDER_CLOSED"))).one()
    assert (told.user_id, told.facts["order_id"]) == (owner.user_id, str(breaks))
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.act == "order.reject"))).one()
    assert (entry.chain, entry.facts["orders"]) == (str(market), [str(breaks)])


async def test_halted_orders_are_rejected_too_and_others_are_left_alone(session: AsyncSession) -> None:
    market, zone, operator = await a_limited_market(session)
    halted = await an_order(session, await a_trader(session), market, BUY, "3")
    elsewhere = await an_order(session, await a_trader(session), await a_market(session), BUY, "3")
    await halting.halt(session, operator, zone, reason="x", expires_at=None, now=now())

    await limit(session, operator, zone, LimitKind.PER_ORDER, KWH)

    assert (await state(session, halted))[0] is OrderStatus.REJECTED
    assert (await state(session, elsewhere))[0] is OrderStatus.OPEN


async def test_other_limits_leave_open_orders_alone(session: AsyncSession) -> None:
    market, zone, operator = await a_limited_market(session)
    order = await an_order(session, await a_trader(session), market, BUY, "3")

    await limit(session, operator, zone, LimitKind.PER_MEMBER_AND_DAY, KWH)
    await limit(session, operator, zone, LimitKind.PER_ZONE_AND_INTERVAL, KWH)

    assert (await state(session, order))[0] is OrderStatus.OPEN


async def test_a_limit_replaces_the_one_of_its_kind_and_can_be_removed(session: AsyncSession) -> None:
    zone = await a_zone(session)
    operator = await an_operator(session, zone)
    first = await limit(session, operator, zone, LimitKind.PER_ORDER, 5 * KWH)
    second = await limit(session, operator, zone, LimitKind.PER_ORDER, 7 * KWH)

    stands = list(await session.execute(select(ZoneLimit.id, ZoneLimit.energy_ukwh)))
    assert (first == second, stands) == (True, [(first, 7 * KWH)])
    await limits.remove(session, operator, zone, LimitKind.PER_ORDER, reason="The line is new.")
    with pytest.raises(limits.NoSuchLimit):
        await limits.remove(session, operator, zone, LimitKind.PER_ORDER, reason="Again.")

    assert list(await session.scalars(select(ZoneLimit.id))) == []
    acts = select(AuditEntry.act).where(AuditEntry.chain == str(zone)).order_by(AuditEntry.sequence)
    assert list(await session.scalars(acts)) == ["zone_limit.set", "zone_limit.set", "zone_limit.remove"]


async def test_limits_are_for_the_operator_with_a_reason_and_whole_watt_hours(session: AsyncSession) -> None:
    market, zone, operator = await a_limited_market(session)
    order = await an_order(session, await a_trader(session), market, BUY, "3")

    with pytest.raises(NotAllowed):
        await limit(session, await a_trader(session), zone, LimitKind.PER_ORDER, KWH)
    with pytest.raises(NotAllowed):
        await limits.remove(session, await a_trader(session), zone, LimitKind.PER_ORDER, reason="x")
    for energy_ukwh in (0, -1_000, 999, 1_500, 10**15 + 1_000):
        with pytest.raises(InvalidValue):
            await limit(session, operator, zone, LimitKind.PER_ORDER, energy_ukwh)
    with pytest.raises(InvalidValue):
        await limiting.set_limit(session, operator, zone, LimitKind.PER_ORDER, energy_ukwh=KWH, reason="", now=now())

    assert list(await session.scalars(select(ZoneLimit.id))) == []
    assert (await state(session, order))[0] is OrderStatus.OPEN
