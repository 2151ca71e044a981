"""GeoJSON values (RFC 7946) read into geometries; every fault is named with its place.

A value is a decoded JSON object. Rings may run either way round and are turned counter-clockwise; heights are dropped;
positions that fall together when rounded to six digits are kept once. Nothing else is mended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import shapely
from shapely import LinearRing, MultiPolygon, Point, Polygon

from domain.geography import geometry
from domain.geography.geometry import DRAWN, Coordinates, GeometryInvalid, GeometryLimits, GeometryTooComplex, LonLat

CRS84_NAMES = frozenset(
    {
        "CRS84",
        "OGC:CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:OGC::CRS84",
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:EPSG::4326",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "http://www.opengis.net/def/crs/EPSG/0/4326",
        "https://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "https://www.opengis.net/def/crs/EPSG/0/4326",
    }
)
POLYGONAL = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class _Rings:
    """Polygons taken apart: rounded coordinates of all rings in one array, and who holds how many."""

    coordinates: Coordinates
    ring_sizes: list[int]
    polygon_sizes: list[int]


def read_point(value: object, limits: GeometryLimits = DRAWN) -> Point:
    """A Point with six digits. Raises GeometryInvalid."""
    position = _coordinates(value, ("Point",), limits)
    [(lon, lat)] = _positions([position], limits).tolist()
    return Point(lon, lat)


def read_boundary(value: object, limits: GeometryLimits = DRAWN) -> MultiPolygon:
    """A Polygon (promoted) or MultiPolygon, valid and counter-clockwise. Raises GeometryInvalid, GeometryTooComplex."""
    return geometry.checked(read_unchecked(value, limits), limits)


def read_polygon(value: object, limits: GeometryLimits = DRAWN) -> Polygon:
    """A Polygon, valid and counter-clockwise. Raises GeometryInvalid, GeometryTooComplex."""
    _coordinates(value, ("Polygon",), limits)
    return read_boundary(value, limits).geoms[0]


def read_unchecked(value: object, limits: GeometryLimits = DRAWN) -> MultiPolygon:
    """A MultiPolygon of closed rings within the limits of count and place, whose rings may still cross.

    For imports that repair; others want `read_boundary`.
    """
    coordinates = _coordinates(value, POLYGONAL, limits)
    polygons = [coordinates] if isinstance(value, Mapping) and value["type"] == "Polygon" else coordinates
    return _assemble(_take_apart(polygons, limits))


def check_reference_system(value: Mapping[str, Any]) -> None:
    """Refuse a `crs` member that names another system than EPSG:4326; it is never ignored."""
    if "crs" not in value:
        return
    crs = value["crs"]
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str) or name not in CRS84_NAMES:
        raise geometry.ReferenceSystemRefused(repr(name or crs)[:80])


def _coordinates(value: object, kinds: tuple[str, ...], limits: GeometryLimits) -> Any:
    """The member `coordinates` of a geometry of one of these kinds."""
    if not isinstance(value, Mapping):
        raise GeometryInvalid(f"a GeoJSON object is expected, not {_kind(value)}")
    kind = value.get("type")
    if kind not in kinds:
        raise GeometryInvalid(f"its type must be {' or '.join(kinds)}, not {str(kind)[:40]!r}")
    check_reference_system(value)
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list) or not coordinates:
        raise GeometryInvalid("coordinates must be an array that is not empty")
    _check_depth(coordinates, limits)
    return coordinates


def _take_apart(polygons: list[Any], limits: GeometryLimits) -> _Rings:
    """Level by level, counted before anything is converted."""
    _check_count("polygons", len(polygons), limits.polygons)
    rings = _level(polygons, "polygon")
    _check_count("rings", len(rings), limits.rings)
    positions = _level(rings, "ring")
    _check_count("positions", len(positions), limits.positions)
    return _Rings(_positions(positions, limits), list(map(len, rings)), list(map(len, polygons)))


def _level(parents: list[Any], what: str) -> list[Any]:
    """All children of these arrays, in order."""
    for index, parent in enumerate(parents):
        if not isinstance(parent, list):
            raise GeometryInvalid(f"{what} {index} must be an array, not {_kind(parent)}")
        if not parent:
            raise GeometryInvalid(f"{what} {index} is empty")
    return list(chain.from_iterable(parents))


def _positions(positions: list[Any], limits: GeometryLimits) -> Coordinates:
    """Rounded longitudes and latitudes, shape (positions, 2); heights dropped."""
    sizes = np.array([len(position) if isinstance(position, list) else 0 for position in positions])
    wrong = (sizes < 2) | (sizes > 3)
    if wrong.any():
        index = int(wrong.argmax())
        raise GeometryInvalid(f"position {index} must be [longitude, latitude], not {_kind(positions[index])}")
    numbers = _numbers(list(chain.from_iterable(positions)))
    starts = np.cumsum(sizes) - sizes
    coordinates = np.column_stack([numbers[starts], numbers[starts + 1]])
    geometry.check_placed(coordinates, limits)
    return geometry.round_degrees(coordinates)


def _numbers(values: list[Any]) -> Coordinates:
    """Finite numbers; true, "1.5", null and arrays are none."""
    if not set(map(type, values)) <= {int, float}:
        stranger = next(value for value in values if type(value) not in {int, float})
        raise GeometryInvalid(f"a coordinate must be a number, not {_kind(stranger)}")
    try:
        numbers = np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise GeometryInvalid("a coordinate must be a finite number") from error
    if not np.isfinite(numbers).all():
        raise GeometryInvalid("a coordinate must be a finite number")
    return numbers


def _check_depth(coordinates: list[Any], limits: GeometryLimits) -> None:
    """Count the object and the arrays inside each other, level by level: no recursion for a client to exhaust."""
    depth, level = 1, [coordinates]
    while level:
        depth += 1
        _check_count("depth", depth, limits.depth)
        level = [inner for array in level for inner in array if isinstance(inner, list)]


def _assemble(rings: _Rings) -> MultiPolygon:
    parts = np.split(rings.coordinates, np.cumsum(rings.ring_sizes)[:-1])
    linear = iter([_ring(coordinates, index) for index, coordinates in enumerate(parts)])
    shells_and_holes = ([next(linear) for _ in range(size)] for size in rings.polygon_sizes)
    return MultiPolygon([Polygon(shell, holes) for shell, *holes in shells_and_holes])


def _ring(coordinates: Coordinates, index: int) -> LinearRing:
    """A closed ring of at least four positions, consecutive duplicates dropped."""
    if (coordinates[0] != coordinates[-1]).any():
        raise GeometryInvalid(f"ring {index} is open: its last position must repeat its first", _place(coordinates))
    is_new = np.append(True, (np.diff(coordinates, axis=0) != 0).any(axis=1))
    distinct = coordinates[is_new]
    if len(distinct) < 4:
        raise GeometryInvalid(
            f"ring {index} has {len(distinct)} different positions in a row, at least 4 are needed", _place(coordinates)
        )
    ring: LinearRing = shapely.linearrings(distinct)
    return ring


def _place(coordinates: Coordinates) -> LonLat:
    lon, lat = coordinates[-1].tolist()
    return lon, lat


def _check_count(limit: str, value: int, maximum: int) -> None:
    if value > maximum:
        raise GeometryTooComplex(limit, value, maximum)


def _kind(value: object) -> str:
    """What a decoded JSON value is, in JSON's words; never the value itself."""
    if isinstance(value, list):
        return f"an array of {len(value)}"
    names = {dict: "an object", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
