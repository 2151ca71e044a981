"""What a boundary must be before it is stored: bounded, in lon/lat, valid, counter-clockwise, with six digits.

Coordinates are degrees of EPSG:4326, longitude first, rounded to six digits (0.1 m) before they are checked, so that
what was checked is what is stored.

Decision, 2026-11-20: nothing a client sends is made valid on the way in. Repair takes seconds for a few hundred
crossing edges, cannot be interrupted, and changes what the boundary means; so it is refused with reason and place, and
only an import may ask for `repaired`, with few vertices.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from domain.kernel.errors import DomainError

SRID = 4326
DIGITS = 6
EARTH_RADIUS_M = 6_371_007.2  # The sphere that has the area of the WGS84 spheroid.

LonLat = tuple[float, float]
Coordinates = npt.NDArray[np.float64]  # shape (positions, 2): longitude, latitude


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees, edges included; it does not cross the antimeridian."""

    min_lon: float
    min_lat: float
    max_lon: float
    max_lat: float

    def holds(self, other: "Box") -> bool:
        """Whether `other` lies in this box."""
        return (
            self.min_lon <= other.min_lon
            and self.min_lat <= other.min_lat
            and other.max_lon <= self.max_lon
            and other.max_lat <= self.max_lat
        )

    def swapped(self) -> "Box":
        """The box its corners would have, read as lat, lon."""
        return Box(self.min_lat, self.min_lon, self.max_lat, self.max_lon)


WORLD = Box(-180, -90, 180, 90)
EUROPE = Box(-32, 27, 45, 72)  # With the Azores, the Canaries and Cyprus.


@dataclass(frozen=True, slots=True)
class GeometryLimits:
    """How large one geometry may be. The defaults are for what users draw; imports bring their own."""

    positions: int = 10_000
    polygons: int = 100
    rings: int = 500
    depth: int = 5  # A MultiPolygon: the object and four arrays.
    area_km2: float = 100_000
    expected: Box | None = EUROPE  # Where coordinates are expected: tells lat,lon from lon,lat.


DRAWN = GeometryLimits()


class GeometryInvalid(DomainError):
    """It is not a geometry that may be stored; `location` is where (lon, lat), when the fault has a place."""

    def __init__(self, reason: str, location: LonLat | None = None) -> None:
        super().__init__(f"The geometry is invalid: {reason}.")
        self.reason = reason
        self.location = location


class CoordinatesLookSwapped(GeometryInvalid):
    """Read as longitude and latitude they are out of place, read the other way round they are not."""

    def __init__(self, location: LonLat) -> None:
        super().__init__("coordinates look like lat,lon; GeoJSON has the longitude first", location)


class ReferenceSystemRefused(GeometryInvalid):
    """The coordinates are said to be in another reference system than EPSG:4326."""

    def __init__(self, system: str) -> None:
        super().__init__(f"coordinates must be in EPSG:4326 (OGC:CRS84), not in {system}")
        self.system = system


class GeometryTooComplex(DomainError):
    """It is larger than allowed; `limit` names the field of GeometryLimits that says so."""

    def __init__(self, limit: str, value: float, maximum: float) -> None:
        super().__init__(f"The geometry is too complex: {limit} is {value:,.12g}, at most {maximum:,.12g} are allowed.")
        self.limit = limit
        self.value = value
        self.maximum = maximum


def check_placed(coordinates: Coordinates, limits: GeometryLimits) -> None:
    """Refuse coordinates off the globe, and those that make sense only the other way round."""
    extent = Box(*coordinates.min(axis=0).tolist(), *coordinates.max(axis=0).tolist())
    expected = limits.expected or WORLD
    if not expected.holds(extent) and expected.holds(extent.swapped()):
        raise CoordinatesLookSwapped(_first_outside(coordinates, expected))
    if not WORLD.holds(extent):
        raise GeometryInvalid(
            "longitude must lie in -180..180 and latitude in -90..90", _first_outside(coordinates, WORLD)
        )


def checked(boundary: MultiPolygon, limits: GeometryLimits) -> MultiPolygon:
    """The boundary, counter-clockwise. Raises GeometryInvalid with the place, or GeometryTooComplex for its area."""
    check_valid(boundary)
    area_km2 = approximate_area_km2(boundary)
    if area_km2 > limits.area_km2:
        raise GeometryTooComplex("area_km2", area_km2, limits.area_km2)
    oriented: MultiPolygon = shapely.orient_polygons(boundary, exterior_cw=False)
    return oriented


def check_valid(geometry: BaseGeometry) -> None:
    """Raises GeometryInvalid with the reason and place GEOS gives. Cheap: 3.5 ms for 10,000 positions."""
    if geometry.is_empty:
        raise GeometryInvalid("it is empty")
    if shapely.is_valid(geometry):
        return
    reason, location = _reason_and_place(shapely.is_valid_reason(geometry))
    raise GeometryInvalid(reason, location)


def repaired(boundary: MultiPolygon, vertices_max: int) -> MultiPolygon:
    """A valid boundary near an invalid one: rings kept as shells and holes, collapsed parts dropped.

    Costs up to a second at 500 vertices, so never within a request. Raises GeometryTooComplex above `vertices_max`,
    GeometryInvalid when no area is left.
    """
    vertices = int(shapely.get_num_coordinates(boundary))
    if vertices > vertices_max:
        raise GeometryTooComplex("vertices to repair", vertices, vertices_max)
    valid = shapely.make_valid(boundary, method="structure", keep_collapsed=False)
    # Crossings come to lie between the six digits; snapping to them may join or drop slivers, not make new crossings.
    snapped = shapely.set_precision(valid, 10.0**-DIGITS)
    result = as_multipolygon(rounded(snapped))
    check_valid(result)
    return result


def as_multipolygon(geometry: BaseGeometry) -> MultiPolygon:
    """A Polygon promoted; a MultiPolygon as it is. Raises GeometryInvalid for other kinds."""
    if isinstance(geometry, MultiPolygon):
        return geometry
    if isinstance(geometry, Polygon):
        return MultiPolygon([] if geometry.is_empty else [geometry])
    raise GeometryInvalid(f"it is a {geometry.geom_type}, not a MultiPolygon")


def rounded(geometry: BaseGeometry) -> BaseGeometry:
    """The same geometry with six digits."""
    return shapely.transform(geometry, round_degrees)


def round_degrees(degrees: Coordinates) -> Coordinates:
    """Six digits, half-even; never a negative zero."""
    return np.round(degrees, DIGITS) + 0.0


def approximate_area_km2(boundary: BaseGeometry) -> float:
    """Area on the sphere of equal area, within 1 % of the spheroid's: for limits, not for law."""
    square_metres = shapely.area(shapely.transform(boundary, _equal_area_metres))
    return float(square_metres) / 1e6


def as_element(geometry: MultiPolygon | Point) -> WKBElement:
    """What GeoAlchemy2 stores in a column of SRID 4326."""
    return from_shape(geometry, srid=SRID)


def _equal_area_metres(degrees: Coordinates) -> Coordinates:
    radians = np.radians(degrees)
    return EARTH_RADIUS_M * np.column_stack([radians[:, 0], np.sin(radians[:, 1])])


def _first_outside(coordinates: Coordinates, box: Box) -> LonLat:
    lon, lat = coordinates.T
    outside = (lon < box.min_lon) | (lon > box.max_lon) | (lat < box.min_lat) | (lat > box.max_lat)
    first_lon, first_lat = coordinates[int(outside.argmax())].tolist()
    return first_lon, first_lat


def _reason_and_place(text: str) -> tuple[str, LonLat | None]:
    """GEOS says "Self-intersection[11.2 44.6]"."""
    match = re.fullmatch(r"(.*?)\s*\[(\S+) (\S+)\]", text)
    if match is None:
        return text.lower(), None
    lon, lat = (round(float(number), DIGITS) for number in match.groups()[1:])
    return match[1].lower(), (lon, lat)
