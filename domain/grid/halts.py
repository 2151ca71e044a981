"""Halts: when trading in a zone stands still. What that means for orders is said in `market.halting`.

A halt stands until it is lifted; one that has expired is lifted by the clock within a second. Nobody can place orders
in a zone from the start of a halt until it is lifted or expires, and nothing clears there until it is lifted, so that
its orders have their place again before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.grid import operators
from domain.grid.tables import ZoneHalt
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue

CLOCK = "clock"


class ZoneHalted(DomainError):
    """Trading in the zone is halted already."""

    def __init__(self, halt_id: UUID, reason: str, until: datetime | None) -> None:
        super().__init__(f"Trading in this zone is halted already: {reason}")
        self.halt_id = halt_id
        self.reason = reason
        self.until = until


class ZoneNotHalted(DomainError):
    """There is no halt to lift."""

    def __init__(self, zone_id: UUID) -> None:
        super().__init__("Trading in this zone is not halted.")
        self.zone_id = zone_id


@dataclass(frozen=True, slots=True)
class Halt:
    """A halt that stands."""

    id: UUID
    zone_id: UUID
    reason: str
    started_at: datetime
    until: datetime | None


async def standing(session: AsyncSession, zone_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Halt]:
    """Of some zones, the halts that keep orders from being placed, by zone."""
    columns = (ZoneHalt.id, ZoneHalt.zone_id, ZoneHalt.reason, ZoneHalt.started_at, ZoneHalt.expires_at)
    stands = (ZoneHalt.lifted_at.is_(None), or_(ZoneHalt.expires_at.is_(None), ZoneHalt.expires_at > now))
    rows = await session.execute(select(*columns).where(among(ZoneHalt.zone_id, zone_ids), *stands))
    return {row.zone_id: Halt(*row) for row in rows}


async def halted_zone_ids(session: AsyncSession) -> frozenset[UUID]:
    """Zones in which nothing is cleared: their halt is not lifted."""
    return frozenset(await session.scalars(select(ZoneHalt.zone_id).where(ZoneHalt.lifted_at.is_(None))))


async def begin(
    session: AsyncSession, viewer: Viewer, zone_id: UUID, *, reason: str, expires_at: datetime | None, now: datetime
) -> UUID:
    """Halt trading in a zone. Raises NotAllowed, NotFound, InvalidValue, ZoneHalted."""
    await operators.require(session, viewer, zone_id, "halt trading in this zone")
    reason = operators.checked_reason(reason)
    if expires_at is not None and expires_at <= now:
        raise InvalidValue(("expiresAt",), "A halt expires after now, or stands until it is lifted.")
    facts = {"reason": reason, "expires_at": expires_at}
    row = {"zone_id": zone_id, "halted_by_id": viewer.user_id, "started_at": now, **facts}
    halt_id: UUID | None = await session.scalar(
        insert(ZoneHalt).values(row).on_conflict_do_nothing().returning(ZoneHalt.id)
    )
    if halt_id is None:
        unlifted = select(ZoneHalt).where(ZoneHalt.zone_id == zone_id, ZoneHalt.lifted_at.is_(None))
        halt = (await session.scalars(unlifted)).one()
        raise ZoneHalted(halt.id, halt.reason, halt.expires_at)
    await _record(session, "zone.halt", viewer.key, halt_id, zone_id, facts)
    return halt_id


async def lift(session: AsyncSession, viewer: Viewer, zone_id: UUID, *, reason: str, now: datetime) -> UUID:
    """End the halt of a zone. Raises NotAllowed, NotFound, InvalidValue, ZoneNotHalted."""
    await operators.require(session, viewer, zone_id, "resume trading in this zone")
    reason = operators.checked_reason(reason)
    ended = update(ZoneHalt).where(ZoneHalt.zone_id == zone_id, ZoneHalt.lifted_at.is_(None))
    ended = ended.values(lifted_at=now, lifted_by_id=viewer.user_id).returning(ZoneHalt.id)
    halt_id: UUID | None = (await session.execute(ended)).scalar_one_or_none()
    if halt_id is None:
        raise ZoneNotHalted(zone_id)
    await _record(session, "zone.resume", viewer.key, halt_id, zone_id, {"reason": reason})
    return halt_id


async def expired(session: AsyncSession, *, now: datetime) -> Sequence[UUID]:
    """Zones whose halt has expired and is not lifted yet."""
    query = select(ZoneHalt.zone_id).where(ZoneHalt.lifted_at.is_(None), ZoneHalt.expires_at <= now)
    return (await session.scalars(query.order_by(ZoneHalt.zone_id))).all()


async def lift_expired(session: AsyncSession, zone_id: UUID, *, now: datetime) -> UUID | None:
    """End the halt of a zone if it has expired; None where somebody else did, or prolonged it by another."""
    over = (ZoneHalt.zone_id == zone_id, ZoneHalt.lifted_at.is_(None), ZoneHalt.expires_at <= now)
    ended = update(ZoneHalt).where(*over).values(lifted_at=now).returning(ZoneHalt.id)
    halt_id: UUID | None = (await session.execute(ended)).scalar_one_or_none()
    if halt_id is not None:
        await _record(session, "zone.resume", CLOCK, halt_id, zone_id, {"reason": "expired"})
    return halt_id


async def _record(
    session: AsyncSession, act: str, actor: str, halt_id: UUID, zone_id: UUID, facts: Mapping[str, Any]
) -> None:
    told = {"zone_id": zone_id, **facts}
    await entries.record(session, act, actor=actor, subject=("ZoneHalt", halt_id), scope_id=zone_id, facts=told)
