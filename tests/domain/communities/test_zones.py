from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import zones
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.geography import a_substation_area
from tests.factories.identity import a_user
from tests.factories.market import a_zone
from tests.factories.metering import a_metering_point

DAY = date(2026, 6, 10)


async def test_people_of_a_zone_take_part_there_on_the_day(session: AsyncSession) -> None:
    zone_id, community = await a_zone(session), await a_community(session)
    inside = await a_substation_area(session, "AC1", market_zone_id=zone_id)
    outside = await a_substation_area(session, "AC2", market_zone_id=await a_zone(session))
    users = [await a_user(session) for _ in range(4)]
    for user, area, until in (
        (users[0], inside, None),
        (users[0], inside, None),
        (users[1], outside, None),
        (users[2], inside, DAY),
        (users[3], inside, date(2026, 6, 11)),
        (None, inside, None),
    ):
        member = await a_member(session, user)
        point = await a_metering_point(session, substation_area_id=area.id)
        membership = await a_membership(session, community, member, valid_to=until)
        await a_participation(session, membership, point)

    assert await zones.people_of(session, zone_id, day=DAY) == sorted([users[0].id, users[3].id])
