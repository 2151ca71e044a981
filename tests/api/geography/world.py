"""Two market zones, the north with Gridley as its operator; an area and a town in it."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import PlatformRole, UserRole
from tests.api.authorization.world import World
from tests.factories.geography import a_market_zone, a_municipality, a_square, a_substation_area


async def add_rows(session: AsyncSession, world: World) -> None:
    """All of it."""
    north = await a_market_zone(session, "NORD", a_square(9, 44, 3))
    world.keep("MarketZone", "north", north)
    world.keep("MarketZone", "south", await a_market_zone(session, "SUD"))
    world.keep("SubstationArea", "area", await a_substation_area(session, market_zone_id=north.id))
    world.keep("Municipality", "town", await a_municipality(session))
    operator_id = world.rows["User"]["gridley"]
    session.add(UserRole(user_id=operator_id, role=PlatformRole.GRID_OPERATOR, zone_id=north.id))
    await session.flush()
