"""Fields that the three kinds of area have in common: boundary, bounding box, size."""

from typing import Any

import strawberry
from sqlalchemy import BigInteger, Double, Text, cast, func

from api.engine.fields import column, part, shaped
from api.transport.terms.errors import BadUserInput
from domain.geography.areas import AreaTable

METRES_PER_DEGREE = 111_320.0  # Of longitude at the equator: the longest degree there is.
SIMPLIFY_METERS_MAX = 100_000


@strawberry.type(description="A box in degrees, EPSG:4326, edges included.")
class BoundingBox:
    min_lon: float = strawberry.field(description="Western edge, degrees.")
    min_lat: float = strawberry.field(description="Southern edge, degrees.")
    max_lon: float = strawberry.field(description="Eastern edge, degrees.")
    max_lat: float = strawberry.field(description="Northern edge, degrees.")


def boundary_field(table: AreaTable, description: str) -> Any:
    """The stored GeoJSON, or a simplified boundary made when asked for."""

    def boundary(simplify_meters: int | None) -> Any:
        if simplify_meters is None:
            return table.boundary_geojson
        if not 0 <= simplify_meters <= SIMPLIFY_METERS_MAX:
            raise BadUserInput(
                f"simplifyMeters must be between 0 and {SIMPLIFY_METERS_MAX}.", argument="simplifyMeters"
            )
        simple = func.ST_SimplifyPreserveTopology(table.boundary, simplify_meters / METRES_PER_DEGREE)
        return func.ST_AsGeoJSON(func.ST_ForcePolygonCCW(func.ST_Multi(simple)), 6, 0, type_=Text)

    about = f"Leave out detail smaller than this, whole metres, at most {SIMPLIFY_METERS_MAX}; for display only."
    return shaped(boundary, description, argument="simplify_meters", kind=int, about=about)


def box_field(table: AreaTable) -> Any:
    """The box around a boundary."""
    edges = {"min_lon": "ST_XMin", "min_lat": "ST_YMin", "max_lon": "ST_XMax", "max_lat": "ST_YMax"}
    found = {name: getattr(func, function)(table.boundary, type_=Double()) for name, function in edges.items()}
    return part(BoundingBox, "The smallest box that holds the boundary, degrees.", **found)


def area_km2_field(area_m2: Any) -> Any:
    """Square metres are the micro-units of square kilometres: whole ones are kept."""
    return column(cast(func.round(area_m2), BigInteger), "Area on the spheroid, km².", name="areaKm2")
