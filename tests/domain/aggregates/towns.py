"""Towns: a zone with its area, and homes in it that take part in communities."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.sets import Subject
from domain.aggregates.tables import SetKind
from domain.communities.tables import Community, Membership
from domain.kernel.database import new_id
from tests.factories.communities import a_member, a_membership, a_participation
from tests.factories.geography import a_substation_area
from tests.factories.identity import a_user
from tests.factories.market import a_zone
from tests.factories.metering import a_metering_point


class Town:
    """A zone with its area; communities of homes in it."""

    def __init__(self, zone_id: UUID, area_id: UUID) -> None:
        self.zone = Subject(SetKind.ZONE, zone_id)
        self.area_id = area_id

    async def home(
        self, session: AsyncSession, *communities: Community, factor_ppm: int = 400_000
    ) -> tuple[UUID, list[Membership]]:
        """A new person whose point takes part in communities: the point, and the memberships."""
        user = await a_user(session)
        point = await a_metering_point(session, substation_area_id=self.area_id)
        member = await a_member(session, user)
        memberships = [await a_membership(session, community, member) for community in communities]
        for membership in memberships:
            await a_participation(session, membership, point, factor_ppm=factor_ppm)
        return point.id, memberships


async def a_town(session: AsyncSession) -> Town:
    zone_id = await a_zone(session)
    area = await a_substation_area(session, str(new_id())[-12:], market_zone_id=zone_id)
    return Town(zone_id, area.id)
