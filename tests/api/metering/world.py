"""A metering point of each member, and of the house that Hal leaves to Ivy, with readings of a day of each.

Of the days of Hal readings are held, too.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.metering.tables import HeldReadings, Quality
from tests.api.authorization.world import HALS_DAY, IVYS_DAY, World
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values


async def add_rows(session: AsyncSession, world: World) -> None:
    """Points and readings."""
    for name in ("ada", "bob", "cyn", "eve", "gus", "house", "fred"):
        point = await a_metering_point(session, code=f"POINT-{name}")
        world.keep("MeteringPoint", name, point)
        days = [a_reading_day(point.id, day=day, values_ukwh=values(250_000)) for day in (HALS_DAY, IVYS_DAY)]
        await recorded(session, *days, source=f"readings of {name}")
        await recorded(session, a_reading_day(point.id, day=HALS_DAY, quality=Quality.ESTIMATED))
        query = select(HeldReadings).where(HeldReadings.metering_point_id == point.id)
        world.keep("HeldReadings", name, (await session.scalars(query)).one())
