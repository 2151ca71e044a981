"""How far things are from a place: metres on the WGS84 spheroid, as a law would measure them (`gis.md` section 3).

Nothing asks for it over the API yet: it waits for rules of distance, such as Austria's and France's.
"""

import math
from typing import Any

from geoalchemy2 import Geography
from geoalchemy2 import functions as st
from sqlalchemy import ColumnElement, Float, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.areas import place
from domain.geography.geometry import Box, LonLat

METRES_PER_DEGREE_MIN = 110_567.0  # A degree of latitude at the equator, the shortest there is.
LAT_MAX = 89.9


def distance_m(geometry: Any, lon: float, lat: float) -> ColumnElement[float]:
    """Metres between a stored geometry and a point, as an SQL expression; 0 within an area."""
    return cast(func.ST_Distance(cast(geometry, Geography), cast(place(lon, lat), Geography)), Float)


def is_within(geometry: Any, lon: float, lat: float, metres: float) -> ColumnElement[bool]:
    """Whether a stored geometry is at most so far from a point; the box lets the spatial index work."""
    box = box_around(lon, lat, metres)
    envelope = st.ST_MakeEnvelope(box.min_lon, box.min_lat, box.max_lon, box.max_lat, 4326)
    near = func.ST_DWithin(cast(geometry, Geography), cast(place(lon, lat), Geography), metres)
    return and_(geometry.op("&&")(envelope), near)


def box_around(lon: float, lat: float, metres: float) -> Box:
    """A box in degrees that holds every place within so many metres of a point; a little larger than needed."""
    by_lat = 1.01 * metres / METRES_PER_DEGREE_MIN
    farthest = min(abs(lat) + by_lat, LAT_MAX)
    by_lon = by_lat / math.cos(math.radians(farthest))
    return Box(lon - by_lon, lat - by_lat, lon + by_lon, lat + by_lat)


async def distance_between_m(session: AsyncSession, one: LonLat, other: LonLat) -> float:
    """Metres between two points on the spheroid."""
    distance: float = await session.scalar(select(distance_m(place(*one), *other)))  # type: ignore[assignment]
    return distance
