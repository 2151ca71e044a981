"""What a halt means for orders: they keep their place, and nothing of them is traded until it is lifted.

A halt holds the zone's market, as the recording of a clearing does: what was recorded before stands, and a clearing
that read the book before is read again without the zone. An order that is placed at the same moment, before the halt
was to be seen, is halted by the clock.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.grid import halts
from domain.grid.tables import ZoneHalt
from domain.grid.words import GRID_ALERT
from domain.identity.viewers import Viewer
from domain.kernel.intervals import Period
from domain.market.places import changes
from domain.market.places.tables import Market

HORIZON = timedelta(hours=168)  # Of what can be traded in any market.
LATE = timedelta(minutes=1)  # A transaction that places orders is over by then.


async def halt(
    session: AsyncSession, viewer: Viewer, zone_id: UUID, *, reason: str, expires_at: datetime | None, now: datetime
) -> UUID:
    """Halt trading in a zone. Raises NotAllowed, NotFound, InvalidValue, ZoneHalted."""
    await resume_expired(session, now=now, zone_id=zone_id)
    market_id = await _hold_market(session, zone_id)
    halt_id = await halts.begin(session, viewer, zone_id, reason=reason, expires_at=expires_at, now=now)
    if market_id is not None:
        await _stop_orders(session, market_id, halt_id, zone_id, actor=viewer.key, until=expires_at)
    return halt_id


async def resume(session: AsyncSession, viewer: Viewer, zone_id: UUID, *, reason: str, now: datetime) -> UUID:
    """Let a zone trade again. Raises NotAllowed, NotFound, InvalidValue, ZoneNotHalted."""
    market_id = await _hold_market(session, zone_id)
    halt_id = await halts.lift(session, viewer, zone_id, reason=reason, now=now)
    if market_id is not None:
        await _release_orders(session, market_id, halt_id, zone_id, actor=viewer.key, now=now, reason=reason)
    return halt_id


async def resume_expired(session: AsyncSession, *, now: datetime, zone_id: UUID | None = None) -> list[UUID]:
    """Let zones trade again whose halt has expired, one or all of them; gives the halts."""
    lifted = []
    for each in await halts.expired(session, now=now):
        if zone_id is None or each == zone_id:
            market_id = await _hold_market(session, each)
            halt_id = await halts.lift_expired(session, each, now=now)
            if halt_id is not None and market_id is not None:
                await _release_orders(session, market_id, halt_id, each, actor=halts.CLOCK, now=now)
            lifted += [halt_id] if halt_id is not None else []
    return lifted


async def stop_late_orders(session: AsyncSession, *, now: datetime) -> None:
    """Halt orders that were being placed when their zone was halted."""
    recent = select(ZoneHalt.id, ZoneHalt.zone_id, ZoneHalt.expires_at, Market.id.label("market_id"))
    recent = recent.join(Market, Market.zone_id == ZoneHalt.zone_id)
    recent = recent.where(ZoneHalt.lifted_at.is_(None), ZoneHalt.started_at > now - LATE)
    for row in (await session.execute(recent)).all():
        await _stop_orders(session, row.market_id, row.id, row.zone_id, actor=halts.CLOCK, until=row.expires_at)


STOP = text("""
    UPDATE market_order SET status = 'HALTED'
    FROM (SELECT id FROM market_order
          WHERE id IN (SELECT order_id FROM order_interval WHERE market_id = :market_id AND is_open)
            AND status IN ('OPEN', 'PARTIALLY_FILLED')
          ORDER BY id FOR NO KEY UPDATE) AS held
    WHERE market_order.id = held.id
    RETURNING owner_id
""").bindparams(bindparam("market_id", type_=Uuid()))
RELEASE = text("""
    UPDATE market_order SET status = CASE WHEN filled_ukwh > 0 THEN 'PARTIALLY_FILLED' ELSE 'OPEN' END
    FROM (SELECT id FROM market_order
          WHERE id IN (SELECT order_id FROM order_interval WHERE market_id = :market_id AND is_open)
            AND status = 'HALTED'
          ORDER BY id FOR NO KEY UPDATE) AS held
    WHERE market_order.id = held.id
    RETURNING owner_id
""").bindparams(bindparam("market_id", type_=Uuid()))


async def _hold_market(session: AsyncSession, zone_id: UUID) -> UUID | None:
    """The zone's market, held against the recording of clearings; orders may still be placed in it."""
    query = select(Market.id).where(Market.zone_id == zone_id).with_for_update(key_share=True)
    return (await session.execute(query)).scalar_one_or_none()


async def _stop_orders(
    session: AsyncSession, market_id: UUID, halt_id: UUID, zone_id: UUID, *, actor: str, until: datetime | None
) -> None:
    owners = list((await session.execute(STOP, {"market_id": market_id})).scalars())
    facts = {"zone_id": zone_id, "halt_id": halt_id, "is_halted": True, "until": until and until.isoformat()}
    await _tell(session, "market.halt", market_id, halt_id, owners, facts, actor)


async def _release_orders(
    session: AsyncSession,
    market_id: UUID,
    halt_id: UUID,
    zone_id: UUID,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    owners = list((await session.execute(RELEASE, {"market_id": market_id})).scalars())
    facts = {"zone_id": zone_id, "halt_id": halt_id, "is_halted": False, "until": None}
    facts |= {"reason": reason and reason.strip()}
    await _tell(session, "market.resume", market_id, halt_id, owners, facts, actor)
    await changes.announce(session, market_id, Period(now, now + HORIZON))  # So that it is cleared anew.


async def _tell(
    session: AsyncSession,
    act: str,
    market_id: UUID,
    halt_id: UUID,
    owners: list[UUID],
    facts: dict[str, object],
    actor: str,
) -> None:
    """Each owner once, with how many orders it was; the market's chain says how many of all."""
    if not owners:
        return
    of_owner = sorted(Counter(owners).items())
    await notices.tell(session, [NewNotice(owner, GRID_ALERT, facts | {"orders": count}) for owner, count in of_owner])
    told = {"halt_id": halt_id, "orders": len(owners)}
    await entries.record(session, act, actor=actor, subject=("Market", market_id), scope_id=market_id, facts=told)
