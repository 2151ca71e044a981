"""Which metering points take part in a community over a span of days: for whom, and with what share."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import Member, Participation
from domain.metering.tables import Direction, MeteringPoint


@dataclass(frozen=True, slots=True)
class PointInCommunity:
    """A participation with the directions of its metering point; it holds on the days [valid_from, valid_to)."""

    metering_point_id: UUID
    member_id: UUID
    person_id: UUID  # Who signs in for the member, or else the member.
    factor_ppm: int
    valid_from: date
    valid_to: date | None
    directions: frozenset[Direction]

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


async def taking_part(
    connection: AsyncConnection, community_id: UUID, first: date, last: date
) -> list[PointInCommunity]:
    """Participations that hold on some day from first to last, ordered by point and time."""
    query = (
        select(
            Participation.metering_point_id,
            Participation.member_id,
            func.coalesce(Member.user_id, Member.id),
            Participation.factor_ppm,
            Participation.valid_from,
            Participation.valid_to,
            MeteringPoint.directions,
        )
        .join(Member, Member.id == Participation.member_id)
        .join(MeteringPoint, MeteringPoint.id == Participation.metering_point_id)
        .where(Participation.community_id == community_id, Participation.valid_from <= last)
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > first))
        .order_by(Participation.metering_point_id, Participation.valid_from)
    )
    return [PointInCommunity(*row[:-1], frozenset(map(Direction, row[-1]))) for row in await connection.execute(query)]
