"""Who may send readings of which days: of those on which the point took part where the sender may see it.

A gateway of a former tenant, or the administrator of a community that a point has left, adds nothing to the days of
those who came after.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import Date, Uuid, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import visibility
from domain.communities.tables import Participation
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError
from domain.metering.clocks import calendar_day
from domain.metering.days import DayBlock
from domain.metering.tables import MeteringPoint


class NotTakingPart(DomainError):
    """On some days a metering point took part nowhere that the sender may send readings for; the first is named."""

    def __init__(self, code: str, day: date) -> None:
        super().__init__(f"On {day} the metering point {code} took part in no community of yours.")
        self.code = code
        self.day = day


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
