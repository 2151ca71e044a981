"""Capacities: how much power a zone can take in or give out."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.grid import operators
from domain.grid.tables import ZoneCapacity
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue
from domain.metering.tables import Direction

POWER_W_MAX = 10**12  # 1 TW.


class CapacityExists(DomainError):
    """A capacity is never edited: another one begins at another instant."""

    def __init__(self, valid_from: datetime) -> None:
        super().__init__("The zone has a capacity in this direction from this instant on already.")
        self.valid_from = valid_from


@dataclass(frozen=True, slots=True)
class Capacities:
    """The capacities of a zone in one direction, earliest first."""

    valid_from: tuple[datetime, ...] = ()
    power_w: tuple[int, ...] = ()

    def at(self, instant: datetime) -> int | None:
        """The power in watts that holds at an instant; None before the first one."""
        place = bisect_right(self.valid_from, instant)
        return self.power_w[place - 1] if place else None


NONE = Capacities()


async def put(
    session: AsyncSession,
    viewer: Viewer,
    zone_id: UUID,
    direction: Direction,
    *,
    power_w: int,
    valid_from: datetime,
    reason: str,
) -> UUID:
    """Say what a zone can take from an instant on. Raises NotAllowed, NotFound, InvalidValue, CapacityExists."""
    await operators.require(session, viewer, zone_id, "set the capacity of this zone")
    reason = operators.checked_reason(reason)
    if not 1 <= power_w <= POWER_W_MAX:
        raise InvalidValue(("powerKw",), "A capacity is 0.001 to 1000000000 kW.")
    facts = {"direction": direction, "power_w": power_w, "valid_from": valid_from, "reason": reason}
    row = {"zone_id": zone_id, "set_by_id": viewer.user_id, **facts}
    added = insert(ZoneCapacity).values(row).on_conflict_do_nothing().returning(ZoneCapacity.id)
    capacity_id: UUID | None = (await session.execute(added)).scalar_one_or_none()
    if capacity_id is None:
        raise CapacityExists(valid_from)
    subject = ("ZoneCapacity", capacity_id)
    facts = {"zone_id": zone_id} | facts
    await entries.record(session, "zone_capacity.set", actor=viewer.key, subject=subject, scope_id=zone_id, facts=facts)
    return capacity_id


async def of_zones(session: AsyncSession, zone_ids: Collection[UUID]) -> dict[tuple[UUID, Direction], Capacities]:
    """All capacities of some zones, by zone and direction."""
    columns = (ZoneCapacity.zone_id, ZoneCapacity.direction, ZoneCapacity.valid_from, ZoneCapacity.power_w)
    query = select(*columns).where(among(ZoneCapacity.zone_id, zone_ids)).order_by(ZoneCapacity.valid_from)
    found: dict[tuple[UUID, Direction], list[tuple[datetime, int]]] = {}
    for zone_id, direction, valid_from, power_w in await session.execute(query):
        found.setdefault((zone_id, direction), []).append((valid_from, power_w))
    return {key: _capacities(rows) for key, rows in found.items()}


def _capacities(rows: Sequence[tuple[datetime, int]]) -> Capacities:
    starts, powers = zip(*rows, strict=True)
    return Capacities(tuple(starts), tuple(powers))
