"""Which metering points take part in a community over a span of days: for whom, and with what share."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import Participation
from domain.metering.tables import Direction, MeteringPoint

MEMBERS_MIN = 5  # An aggregate of fewer tells of one of them (invariant I5).


@dataclass(frozen=True, slots=True)
class PointInCommunity:
    """A participation with the directions of its metering point; it holds on the days [valid_from, valid_to)."""

    metering_point_id: UUID
    member_id: UUID
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
            Participation.factor_ppm,
            Participation.valid_from,
            Participation.valid_to,
            MeteringPoint.directions,
        )
        .join(MeteringPoint, MeteringPoint.id == Participation.metering_point_id)
        .where(Participation.community_id == community_id, Participation.valid_from <= last)
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > first))
        .order_by(Participation.metering_point_id, Participation.valid_from)
    )
    return [PointInCommunity(*row[:-1], frozenset(map(Direction, row[-1]))) for row in await connection.execute(query)]


def fewest_members(parts: Collection[PointInCommunity], days: Sequence[date]) -> int:
    """The smallest number of members on any day on which somebody takes part; 0 where nobody ever does.

    It changes only on days on which a participation begins or ends.
    """
    changes = {days[0], *(day for part in parts for day in (part.valid_from, part.valid_to) if day is not None)}
    counts = (_members_on(parts, day) for day in changes if days[0] <= day <= days[-1])
    return min((count for count in counts if count), default=0)


def _members_on(parts: Iterable[PointInCommunity], day: date) -> int:
    return len({part.member_id for part in parts if part.holds_on(day)})
