"""Who may send readings of which days: of those on which the point took part where the sender may see it.

A gateway of a former tenant, or the administrator of a community that a point has left, adds nothing to the days of
those who came after. What points can carry is known here, where their plants are; who administers where a point took
part decides on what was held.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

import numpy as np
from sqlalchemy import Date, Uuid, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.communities import visibility
from domain.communities.tables import Asset, Participation
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.metering import readings
from domain.metering.clocks import calendar_day
from domain.metering.days import MISSING, DayBlock, ReadingDay, blocks_of
from domain.metering.holding.gate import CONNECTION_POWER_W_DEFAULT, Gate
from domain.metering.tables import HeldReadings, HoldDecision, MeteringPoint

CONNECTION_POWER_W_MAX = 10**10


class NotTakingPart(DomainError):
    """On some days a metering point took part nowhere that the sender may send readings for; the first is named."""

    def __init__(self, code: str, day: date) -> None:
        super().__init__(f"On {day} the metering point {code} took part in no community of yours.")
        self.code = code
        self.day = day


class HeldDecided(DomainError):
    """It was decided already what becomes of the held readings."""

    def __init__(self, decision: HoldDecision) -> None:
        super().__init__(f"These readings are {decision.value.lower()} already.")
        self.decision = decision


async def check_days(session: AsyncSession, blocks: Sequence[DayBlock], *, by: Viewer) -> None:
    """Each day of readings is one that the sender may fill; administrators of the platform may fill all.

    Raises NotTakingPart.
    """
    if by.is_admin or not blocks:
        return
    points = [id for block in blocks for id in block.ids()]
    numbers = np.concatenate([block.day_numbers for block in blocks]).tolist()
    given = func.unnest(
        bindparam("points", points, ARRAY(Uuid())), bindparam("days", [*map(calendar_day, numbers)], ARRAY(Date()))
    )
    wanted = given.table_valued("point_id", "day").render_derived()
    takes_part = (
        select(Participation.id)
        .where(Participation.metering_point_id == wanted.c.point_id, visibility.participations(by))
        .where(Participation.valid_from <= wanted.c.day)
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > wanted.c.day))
    )
    missing = (
        select(MeteringPoint.code, wanted.c.day)
        .join(MeteringPoint, MeteringPoint.id == wanted.c.point_id)
        .where(~takes_part.exists())
        .order_by(MeteringPoint.code, wanted.c.day)
        .limit(1)
    )
    found = (await session.execute(missing)).first()
    if found is not None:
        raise NotTakingPart(*found)


async def gate_for(session: AsyncSession, point_ids: Sequence[UUID], sender: str) -> Gate:
    """What holds readings back that are more than these points can carry.

    A point carries its connection power, as it is stated or the default, or what its plants can do where that is more.
    """
    plants = select(func.max(Asset.power_w)).where(Asset.metering_point_id == MeteringPoint.id).scalar_subquery()
    stated = func.coalesce(MeteringPoint.connection_power_w, CONNECTION_POWER_W_DEFAULT)
    query = select(MeteringPoint.id, func.greatest(stated, plants)).where(among(MeteringPoint.id, point_ids))
    return Gate(sender, power_w={row[0]: row[1] for row in await session.execute(query)})


async def set_connection_power(session: AsyncSession, point_id: UUID, power_w: int | None, *, by: Viewer) -> None:
    """State what a metering point can carry, or that nobody knows. Raises NotFound, NotAllowed, InvalidValue."""
    if power_w is not None and not 1 <= power_w <= CONNECTION_POWER_W_MAX:
        raise InvalidValue(("connectionPowerKw",), "The connection power lies between 0.001 kW and 10 GW.")
    query = select(MeteringPoint).where(MeteringPoint.id == point_id, visibility.metering_points(by))
    point = (await session.scalars(query.with_for_update(key_share=True, of=MeteringPoint))).one_or_none()
    if point is None:
        raise NotFound("metering point", point_id)
    administered = visibility.metering_points(_administering(by))
    if await session.scalar(select(MeteringPoint.id).where(MeteringPoint.id == point_id, administered)) is None:
        raise NotAllowed("state the connection power of this metering point")
    point.connection_power_w = power_w
    subject = ("MeteringPoint", point_id)
    await entries.record(
        session, "metering_point.power", actor=by.key, subject=subject, facts={"connection_power_w": power_w}
    )


async def decide(
    session: AsyncSession, held_id: UUID, decision: HoldDecision, *, by: Viewer, now: datetime
) -> HeldReadings:
    """Release held readings into the store or discard them, once.

    Raises NotFound, NotAllowed, HeldDecided, InvalidValue.
    """
    query = select(HeldReadings).where(HeldReadings.id == held_id, visibility.held_readings(by))
    held = (await session.scalars(query.with_for_update(of=HeldReadings))).one_or_none()
    if held is None:
        raise NotFound("held readings", held_id)
    mine = select(HeldReadings.id).where(HeldReadings.id == held_id, visibility.held_readings(_administering(by)))
    if await session.scalar(mine) is None:
        raise NotAllowed("decide on these readings")
    if held.decision is not None:
        raise HeldDecided(held.decision)
    held.decision, held.decided_at, held.decided_by = decision, now, by.key
    facts = {"decision": decision, "day": held.day, "direction": held.direction, "reasons": held.reasons}
    await entries.record(session, "held_readings.decide", actor=by.key, subject=("HeldReadings", held_id), facts=facts)
    await session.flush()
    if decision is HoldDecision.RELEASED:
        await _release(session, held, by)
    return held


async def _release(session: AsyncSession, held: HeldReadings, by: Viewer) -> None:
    values = [MISSING if value is None else value for value in held.values_ukwh]
    day = ReadingDay(held.metering_point_id, held.direction, held.day, held.quality, np.array(values, np.int64))
    try:
        await readings.record_days(
            session, blocks_of([day]), source="release", sender=by.key, gate=Gate(by.key, is_open=True)
        )
    except readings.ResolutionDiffers as error:
        raise InvalidValue(("id",), error.message) from error


def _administering(viewer: Viewer) -> Viewer:
    """The viewer without what it sees as a member."""
    return replace(viewer, member_ids=frozenset())
