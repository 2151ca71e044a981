"""Areas for tests: squares in degrees, so that who touches and who overlaps is plain to see."""

from typing import Any, TypeVar

from shapely import MultiPolygon, Point, Polygon, box
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography import tables
from domain.geography.geometry import as_element, as_multipolygon

Row = TypeVar("Row")
MODENA = (10.9, 44.6)
__all__ = ["MODENA", "a_market_zone", "a_municipality", "a_point", "a_square", "a_substation_area", "as_multipolygon"]


def a_square(min_lon: float = 10.9, min_lat: float = 44.6, size: float = 0.1) -> MultiPolygon:
    """A square of `size` degrees whose south-west corner is given; counter-clockwise."""
    max_lon, max_lat = round(min_lon + size, 6), round(min_lat + size, 6)
    return MultiPolygon([Polygon(box(round(min_lon, 6), round(min_lat, 6), max_lon, max_lat, ccw=True))])


async def a_substation_area(
    session: AsyncSession, code: str = "AC001E01298", boundary: MultiPolygon | None = None, **overrides: Any
) -> tables.SubstationArea:
    """A stored substation area."""
    facts = {"name": f"Area {code}", "country": "IT", "boundary": as_element(boundary or a_square())} | overrides
    return await _stored(session, tables.SubstationArea(code=code, **facts))


async def a_municipality(
    session: AsyncSession, code: str = "036023", boundary: MultiPolygon | None = None, **overrides: Any
) -> tables.Municipality:
    """A stored municipality."""
    facts = {
        "name": "Modena",
        "country": "IT",
        "population": 179_149,
        "population_year": 2011,
        "boundary": as_element(boundary or a_square()),
    }
    return await _stored(session, tables.Municipality(code=code, **(facts | overrides)))


async def a_market_zone(
    session: AsyncSession, code: str = "NORD", boundary: MultiPolygon | None = None, **overrides: Any
) -> tables.MarketZone:
    """A stored market zone; without a boundary unless one is given."""
    facts = {"name": code.title(), "country": "IT", "boundary": as_element(boundary) if boundary else None} | overrides
    return await _stored(session, tables.MarketZone(code=code, **facts))


def a_point(lon: float, lat: float) -> Any:
    """A point as a column of SRID 4326 takes it."""
    return as_element(Point(lon, lat))


async def _stored(session: AsyncSession, row: Row) -> Row:
    session.add(row)
    await session.flush()
    return row
