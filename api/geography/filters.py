"""Filters by place, code and name, the same for every kind of area."""

from collections.abc import Callable
from typing import Any

import strawberry
from geoalchemy2 import functions as st
from sqlalchemy import ColumnElement

from api.geography.geojson import GeoJSONPoint
from api.transport.terms.errors import BadUserInput
from domain.geography import geojson
from domain.geography.areas import AreaTable, covers, place
from domain.geography.geometry import WORLD, Box, GeometryInvalid, GeometryTooComplex

TEXT_MAX = 200


@strawberry.input(description="A box in degrees, EPSG:4326, edges included; it may not cross the antimeridian.")
class BoundingBoxInput:
    min_lon: float = strawberry.field(description="Western edge, degrees, -180 to 180.")
    min_lat: float = strawberry.field(description="Southern edge, degrees, -90 to 90.")
    max_lon: float = strawberry.field(description="Eastern edge, degrees, not less than minLon.")
    max_lat: float = strawberry.field(description="Northern edge, degrees, not less than minLat.")


def matching(table: AreaTable) -> Callable[[Any], list[ColumnElement[bool]]]:
    """Turns a filter input, whose fields are some of CONDITIONS, into SQL conditions. These raise BadUserInput."""

    def conditions(given: Any) -> list[ColumnElement[bool]]:
        values = ((condition, getattr(given, name, None)) for name, condition in CONDITIONS.items())
        return [condition(table, value) for condition, value in values if value is not None]

    return conditions


def in_box(table: AreaTable, box: BoundingBoxInput) -> ColumnElement[bool]:
    """Areas that share at least a point with a box. Raises BadUserInput."""
    asked = Box(box.min_lon, box.min_lat, box.max_lon, box.max_lat)
    if not WORLD.holds(asked) or box.min_lon > box.max_lon or box.min_lat > box.max_lat:
        raise BadUserInput(
            "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90.", argument="bbox"
        )
    # The envelope of two corners; a line or a point where they share an edge.
    corners = st.ST_Collect(place(box.min_lon, box.min_lat), place(box.max_lon, box.max_lat))
    inside: ColumnElement[bool] = st.ST_Intersects(table.boundary, st.ST_Envelope(corners))
    return inside


def at_point(table: AreaTable, point: GeoJSONPoint) -> ColumnElement[bool]:
    """Areas that cover a point, edges included. Raises BadUserInput."""
    try:
        read = geojson.read_point(point)
    except (GeometryInvalid, GeometryTooComplex) as refused:
        raise BadUserInput(refused.message, argument="point") from refused
    return covers(table, read.x, read.y)


def of_code(table: AreaTable, code: str) -> ColumnElement[bool]:
    """Areas of exactly this code. Raises BadUserInput."""
    return table.code == _plain(code, "code")


def of_country(table: AreaTable, country: str) -> ColumnElement[bool]:
    """Areas of a country. Raises BadUserInput."""
    return table.country == _plain(country, "country")


def named(table: AreaTable, name: str) -> ColumnElement[bool]:
    """Areas with this in their name, whatever its case. Raises BadUserInput."""
    return table.name.icontains(_plain(name, "name"), autoescape=True)


def _plain(value: str, argument: str) -> str:
    if "\x00" in value or not 0 < len(value) <= TEXT_MAX:
        raise BadUserInput(f"{argument} must have 1 to {TEXT_MAX} characters, none of them NUL.", argument=argument)
    return value


CONDITIONS: dict[str, Callable[[AreaTable, Any], ColumnElement[bool]]] = {
    "bbox": in_box,
    "point": at_point,
    "code": of_code,
    "country": of_country,
    "name": named,
}
