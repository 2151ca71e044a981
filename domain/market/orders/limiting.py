"""What a limit means for orders: those that are open and break it are rejected; the rest of them is released.

Only a limit per order is looked for in orders that stand already: of a member's or a zone's orders, which were taken
by the limits of their time, it cannot be told which is one too many.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.grid import limits
from domain.grid.tables import LimitKind
from domain.identity.viewers import Viewer
from domain.kernel.intervals import Period
from domain.market.orders import orders
from domain.market.orders.tables import Order, OrderStatus
from domain.market.orders.words import ORDER_CLOSED
from domain.market.places import changes
from domain.market.places.tables import Market

CLOSED_REASON = "ZONE_LIMIT"


async def set_limit(
    session: AsyncSession,
    viewer: Viewer,
    zone_id: UUID,
    kind: LimitKind,
    *,
    energy_ukwh: int,
    reason: str,
    now: datetime,
) -> UUID:
    """Set a limit of a zone and reject open orders that break it. Raises NotAllowed, NotFound, InvalidValue."""
    limit_id = await limits.put(session, viewer, zone_id, kind, energy_ukwh=energy_ukwh, reason=reason, now=now)
    if kind is LimitKind.PER_ORDER:
        await _reject(session, viewer, zone_id, energy_ukwh, limit_id, now)
    return limit_id


async def _reject(
    session: AsyncSession, viewer: Viewer, zone_id: UUID, energy_ukwh: int, limit_id: UUID, now: datetime
) -> None:
    columns = (Order.id, Order.owner_id, Order.market_id, Order.delivery_start, Order.delivery_end)
    breaking = (
        select(*columns)
        .join(Market, Market.id == Order.market_id)
        .where(Market.zone_id == zone_id, Order.closed_at.is_(None), Order.energy_ukwh > energy_ukwh)
        .order_by(Order.id)
        .with_for_update(of=Order, key_share=True)
    )
    rows = (await session.execute(breaking)).all()
    if not rows:
        return
    ids = [row.id for row in rows]
    await orders.close(session, ids, OrderStatus.REJECTED, actor=viewer.key, now=now, reason=CLOSED_REASON)
    limit = {"limit_id": limit_id, "limit_ukwh": energy_ukwh}
    facts = limit | {"orders": ids}
    subject = ("Market", rows[0].market_id)
    told = limit | {"status": OrderStatus.REJECTED, "reason": CLOSED_REASON}
    await notices.tell(session, [NewNotice(row.owner_id, ORDER_CLOSED, told | {"order_id": row.id}) for row in rows])
    await entries.record(
        session, "order.reject", actor=viewer.key, subject=subject, scope_id=rows[0].market_id, facts=facts
    )
    changed = Period(min(row.delivery_start for row in rows), max(row.delivery_end for row in rows))
    await changes.announce(session, rows[0].market_id, changed)
