"""The people of a market zone: members who take part with a metering point in its substation areas."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Member, Participation
from domain.geography.tables import SubstationArea
from domain.metering.tables import MeteringPoint


def _hold_on(day: date) -> tuple[Any, ...]:
    return Participation.valid_from <= day, or_(Participation.valid_to.is_(None), Participation.valid_to > day)


async def people_of(session: AsyncSession, zone_id: UUID, *, day: date) -> list[UUID]:
    """Users of the members who take part on a day with a metering point in a zone, sorted."""
    query = (
        select(Member.user_id)
        .distinct()
        .join(Participation, Participation.member_id == Member.id)
        .join(MeteringPoint, MeteringPoint.id == Participation.metering_point_id)
        .join(SubstationArea, SubstationArea.id == MeteringPoint.substation_area_id)
        .where(SubstationArea.market_zone_id == zone_id, Member.user_id.is_not(None), *_hold_on(day))
        .order_by(Member.user_id)
    )
    return [user_id for user_id in await session.scalars(query) if user_id is not None]
