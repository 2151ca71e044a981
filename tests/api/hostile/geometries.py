"""Geometry that is not to be stored."""

from math import cos, pi, sin
from typing import Any

from tests.api.hostile.rows import Row, done

A_LANE = {"framework": "LU_SHARING", "kind": "LANE", "name": "Lane", "timezone": "Europe/Luxembourg"}
RING: list[list[float]] = [[6, 49], [6.1, 49], [6.1, 49.1], [6, 49.1], [6, 49]]


def founded(**changes: Any) -> Any:
    return done("createCommunity", A_LANE | changes)


def bounded(coordinates: Any, kind: str = "Polygon", **more: Any) -> Any:
    return founded(boundary={"type": kind, "coordinates": coordinates, **more})


def circle(positions: int) -> list[list[float]]:
    """A ring of many positions, six decimals each."""
    ring = [
        [round(6 + cos(2 * pi * i / positions), 6), round(49 + sin(2 * pi * i / positions), 6)]
        for i in range(positions)
    ]
    return [*ring, ring[0]]


def collection(depth: int) -> Any:
    shape: Any = {"type": "Polygon", "coordinates": [RING]}
    for _ in range(depth):
        shape = {"type": "GeometryCollection", "geometries": [shape]}
    return shape


def nested(depth: int) -> Any:
    value: Any = [6, 49]
    for _ in range(depth):
        value = [value]
    return value


GEOMETRIES = (
    Row(
        "a ring that is not closed",
        bounded([RING[:-1]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: ring 0 is open: its last position must repeat its first.",
    ),
    Row(
        "a bow tie",
        bounded([[[6, 49], [7, 50], [7, 49], [6, 50], [6, 49]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: self-intersection.",
    ),
    Row(
        "a boundary with latitude first, beyond the pole",
        bounded([[[49, 106], [49.1, 106], [49.1, 106.1], [49, 106]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: longitude must lie in -180..180 and latitude in -90..90.",
    ),
    Row(
        "another reference system",
        bounded([RING], crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: coordinates must be in EPSG:4326 (OGC:CRS84), not in 'EPSG:3857'.",
    ),
    Row(
        "positions of four numbers",
        bounded([[[*p, 1, 2] for p in RING]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: position 0 must be [longitude, latitude], not an array of 4.",
    ),
    Row(
        "no coordinates",
        bounded([]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: coordinates must be an array that is not empty.",
    ),
    Row("an empty ring", bounded([[]]), 200, "GEOMETRY_INVALID", "The geometry is invalid: ring 0 is empty."),
    Row(
        "a ring of three positions",
        bounded([[[6, 49], [7, 50], [6, 49]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: ring 0 has 3 different positions in a row, at least 4 are needed.",
    ),
    Row(
        "a ring of no area",
        bounded([[[6, 49], [7, 49], [8, 49], [6, 49]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: self-intersection.",
    ),
    Row(
        "a hole outside",
        bounded([RING, [[7, 49], [7.1, 49], [7.1, 49.1], [7, 49]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: hole lies outside shell.",
    ),
    Row(
        "nested collections",
        founded(boundary=collection(3)),
        400,
        "BAD_USER_INPUT",
        "A GeoJSONMultiPolygon is a GeoJSON object whose type is MultiPolygon or Polygon.",
    ),
    Row(
        "coordinates 30 levels deep",
        bounded(nested(30)),
        200,
        "GEOMETRY_TOO_COMPLEX",
        "The geometry is too complex: depth is 6, at most 5 are allowed.",
    ),
    Row(
        "coordinates that are an object",
        bounded({"x": 6}),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: coordinates must be an array that is not empty.",
    ),
    Row(
        "coordinates of 1e400",
        founded(boundary={"type": "Polygon", "coordinates": [[[10**400, 49], *RING[1:]]]}),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: number is infinity when parsed as double at line 1, column 290.",
    ),
    Row(
        "coordinates that are true",
        bounded([[[True, False], *RING[1:]]]),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: a coordinate must be a number, not true or false.",
    ),
    Row(
        "a boundary as text",
        founded(boundary='{"type": "Polygon"}'),
        400,
        "BAD_USER_INPUT",
        "A GeoJSONMultiPolygon is a GeoJSON object whose type is MultiPolygon or Polygon.",
    ),
    Row(
        "a point for a boundary",
        founded(boundary={"type": "Point", "coordinates": [6, 49]}),
        400,
        "BAD_USER_INPUT",
        "A GeoJSONMultiPolygon is a GeoJSON object whose type is MultiPolygon or Polygon.",
    ),
    Row(
        "a boundary of 10,001 positions",
        bounded([circle(10_001)]),
        200,
        "GEOMETRY_TOO_COMPLEX",
        "The geometry is too complex: positions is 10,002, at most 10,000 are allowed.",
    ),
    Row(
        "half the world",
        bounded([[[-170, -80], [170, -80], [170, 80], [-170, 80], [-170, -80]]]),
        200,
        "GEOMETRY_TOO_COMPLEX",
        "The geometry is too complex: area_km2 is 474,410,105.06, at most 100,000 are allowed.",
    ),
    Row(
        "a location of NaN as text",
        founded(location={"type": "Point", "coordinates": ["NaN", 49]}),
        200,
        "GEOMETRY_INVALID",
        "The geometry is invalid: a coordinate must be a number, not text.",
    ),
)
