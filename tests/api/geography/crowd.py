"""Zones, and areas and towns in the first of them."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.geometry import as_element
from domain.geography.tables import MarketZone, Municipality, SubstationArea
from tests.api.crowd import MANY, Crowd, stored
from tests.factories.geography import a_square


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty of each, and one zone more: the first has links with fifty others."""
    shape = as_element(a_square())
    zones = await stored(session, [MarketZone(code=f"Z{i}", name="x", country="IT") for i in range(MANY + 1)])
    facts = {"name": "x", "country": "IT", "boundary": shape}
    await stored(session, [SubstationArea(code=f"A{i}", market_zone_id=zones[0].id, **facts) for i in range(MANY)])
    await stored(session, [Municipality(code=f"M{i}", **facts) for i in range(MANY)])
