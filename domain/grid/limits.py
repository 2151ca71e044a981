"""Limits: the most energy that may be offered in a zone. `market.validation` asks them of each order that is placed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.grid import operators
from domain.grid.tables import LimitKind, ZoneLimit
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue
from domain.kernel.quantities import LOT_UKWH

LIMIT_UKWH_MAX = 10**15  # 1 TWh.


class NoSuchLimit(DomainError):
    """The zone has no limit of this kind."""

    def __init__(self, zone_id: UUID, kind: LimitKind) -> None:
        super().__init__(f"The zone has no limit {kind.value.lower().replace('_', ' ')}.")
        self.zone_id = zone_id
        self.kind = kind


async def put(
    session: AsyncSession,
    viewer: Viewer,
    zone_id: UUID,
    kind: LimitKind,
    *,
    energy_ukwh: int,
    reason: str,
    now: datetime,
) -> UUID:
    """Set a limit of a zone, in place of the one of its kind. Raises NotAllowed, NotFound, InvalidValue."""
    await operators.require(session, viewer, zone_id, "set limits of this zone")
    reason = operators.checked_reason(reason)
    if not LOT_UKWH <= energy_ukwh <= LIMIT_UKWH_MAX or energy_ukwh % LOT_UKWH:
        raise InvalidValue(("energyKwh",), "A limit is 0.001 to 1000000000 kWh, in steps of 0.001 kWh.")
    terms: dict[str, Any] = {
        "energy_ukwh": energy_ukwh,
        "reason": reason,
        "set_by_id": viewer.user_id,
        "set_at": now,
    }
    limit = insert(ZoneLimit).values(zone_id=zone_id, kind=kind, **terms)
    limit = limit.on_conflict_do_update(index_elements=[ZoneLimit.zone_id, ZoneLimit.kind], set_=terms)
    limit_id: UUID = (await session.execute(limit.returning(ZoneLimit.id))).scalar_one()
    facts = {"zone_id": zone_id, "kind": kind, "energy_ukwh": energy_ukwh, "reason": reason}
    await entries.record(
        session, "zone_limit.set", actor=viewer.key, subject=("ZoneLimit", limit_id), scope_id=zone_id, facts=facts
    )
    return limit_id


async def remove(session: AsyncSession, viewer: Viewer, zone_id: UUID, kind: LimitKind, *, reason: str) -> None:
    """Take a limit of a zone away. Raises NotAllowed, NotFound, InvalidValue, NoSuchLimit."""
    await operators.require(session, viewer, zone_id, "remove limits of this zone")
    reason = operators.checked_reason(reason)
    gone = delete(ZoneLimit).where(ZoneLimit.zone_id == zone_id, ZoneLimit.kind == kind).returning(ZoneLimit.id)
    limit_id = (await session.execute(gone)).scalar_one_or_none()
    if limit_id is None:
        raise NoSuchLimit(zone_id, kind)
    facts = {"zone_id": zone_id, "kind": kind, "reason": reason}
    await entries.record(
        session, "zone_limit.remove", actor=viewer.key, subject=("ZoneLimit", limit_id), scope_id=zone_id, facts=facts
    )
