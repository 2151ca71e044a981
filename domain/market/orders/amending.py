"""Amending an order: it is cancelled and another takes its place, in one transaction.

Time priority is kept only where nothing but energy is reduced: then the new order takes over the place (`sequence`) of
the old one. Anything else would let an order jump ahead of those that came before its change.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.kernel import idempotency
from domain.kernel.errors import InvalidValue
from domain.kernel.idempotency import IdempotencyKey, IdempotencyKeyReused
from domain.kernel.intervals import Period
from domain.market.orders import orders, placing
from domain.market.orders.orders import OrderClosed, Proposal
from domain.market.orders.tables import Order, OrderFilling, OrderInterval
from domain.market.places.tables import Market


@dataclass(frozen=True, slots=True)
class Change:
    """New terms for what is open of an order; None leaves a term as it was."""

    energy_ukwh: int | None = None
    limit_price_ueur_per_kwh: int | None = None
    minimum_fill_ukwh: int | None = None
    valid_until: datetime | None = None


async def amend(
    session: AsyncSession, viewer: Viewer, key: str, order_id: UUID, change: Change, *, now: datetime
) -> UUID:
    """Replace what is open of one's own order; gives the id of the new one, once per key.

    The key is held before the order is looked at: who asks again while the first request still runs would otherwise
    find the order closed by it, and be told so. Raises NotAllowed, NotFound, OrderClosed, InvalidValue and what
    `placing.place` raises; then nothing is to be committed.
    """
    if change == Change():
        raise InvalidValue(("id",), "Say what is to change.")
    await idempotency.claim(session, viewer.key, key)
    used = await _used(session, viewer, key, order_id, change)
    if used is not None:
        return used
    order = await orders.own_open(session, viewer, order_id)
    delivery, open_ukwh = await _open(session, order, now)
    proposal = _proposal(order, change, delivery, open_ukwh)
    await orders.cancel(session, viewer, order_id, now=now)
    new_id = await placing.place(session, viewer, key, proposal, now=now)
    if _only_reduces(order, change, open_ukwh):
        await _take_over(session, order_id, new_id, order.sequence)
    return new_id


async def _used(session: AsyncSession, viewer: Viewer, key: str, order_id: UUID, change: Change) -> UUID | None:
    """The order that an earlier request with this key made. Raises IdempotencyKeyReused."""
    earlier = await session.get(IdempotencyKey, (viewer.key, key))
    if earlier is None:
        return None
    made = await session.get(Order, earlier.result_id)
    if made is None or made.replaces_id != order_id or not _is_as_changed(made, change):
        raise IdempotencyKeyReused(key, earlier.created_at)
    return made.id


def _is_as_changed(order: Order, change: Change) -> bool:
    wanted = {name: getattr(change, name) for name in Change.__slots__ if getattr(change, name) is not None}
    return all(getattr(order, name) == value for name, value in wanted.items())


async def _open(session: AsyncSession, order: Order, now: datetime) -> tuple[Period, int]:
    """The part of an order's delivery that is open, and the least that is open in one of its intervals."""
    left = OrderInterval.energy_ukwh - OrderInterval.filled_ukwh
    query = select(func.min(OrderInterval.delivery_start), func.max(OrderInterval.delivery_start), func.min(left))
    is_open = (OrderInterval.order_id == order.id, OrderInterval.is_open, OrderInterval.delivery_start > now)
    first, last, least = (await session.execute(query.where(*is_open))).one()
    if first is None:
        raise OrderClosed(order.id, order.status, now)
    market = (await session.execute(select(Market).where(Market.id == order.market_id))).scalar_one()
    if order.filling is OrderFilling.FLEXIBLE:
        return Period(first, last + timedelta(minutes=market.delivery_minutes)), order.energy_ukwh - order.filled_ukwh
    return Period(first, last + timedelta(minutes=market.delivery_minutes)), int(least)


def _proposal(order: Order, change: Change, delivery: Period, open_ukwh: int) -> Proposal:
    energy = open_ukwh if change.energy_ukwh is None else change.energy_ukwh
    minimum = order.minimum_fill_ukwh if change.minimum_fill_ukwh is None else change.minimum_fill_ukwh
    price = change.limit_price_ueur_per_kwh
    return Proposal(
        market_id=order.market_id,
        side=order.side,
        energy_ukwh=energy,
        limit_price_ueur_per_kwh=order.limit_price_ueur_per_kwh if price is None else price,
        delivery=delivery,
        source=order.source,
        accepts=order.accepts,
        filling=order.filling,
        minimum_fill_ukwh=min(minimum, energy) if change.minimum_fill_ukwh is None else minimum,
        valid_until=order.valid_until if change.valid_until is None else change.valid_until,
        replaces_id=order.id,
    )


def _only_reduces(order: Order, change: Change, open_ukwh: int) -> bool:
    if change.limit_price_ueur_per_kwh not in (None, order.limit_price_ueur_per_kwh):
        return False
    if change.minimum_fill_ukwh is not None or change.valid_until is not None:
        return False
    return change.energy_ukwh is not None and change.energy_ukwh <= open_ukwh


async def _take_over(session: AsyncSession, old_id: UUID, new_id: UUID, place: int) -> None:
    """Give the new order the old one's place; the old one takes a new place first, because no two share one."""
    sequence = func.nextval(func.pg_get_serial_sequence("market_order", "sequence"))
    for order_id, value in ((old_id, sequence), (new_id, place)):
        await session.execute(update(Order).where(Order.id == order_id).values(sequence=value))
