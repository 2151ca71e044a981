"""GeoJSON values are read or refused with reason and place (RFC 7946; `domain.geography.geometry`)."""

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from domain.geography import geojson, geometry
from domain.geography.geometry import GeometryInvalid, GeometryLimits, GeometryTooComplex

SQUARE = [[11.0, 44.0], [11.1, 44.0], [11.1, 44.1], [11.0, 44.1], [11.0, 44.0]]
HOLE = [[11.02, 44.02], [11.02, 44.04], [11.04, 44.04], [11.04, 44.02], [11.02, 44.02]]
BOWTIE = [[11.0, 44.0], [11.1, 44.1], [11.1, 44.0], [11.0, 44.1], [11.0, 44.0]]


def polygon(*rings: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings), **members}


def multipolygon(*polygons: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


def point(*numbers: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(numbers), **members}


def crs(name: str) -> dict[str, Any]:
    return {"crs": {"type": "name", "properties": {"name": name}}}


def test_a_polygon_is_promoted_and_kept_as_drawn() -> None:
    boundary = geojson.read_boundary(polygon(SQUARE, HOLE))

    assert boundary.wkt == shapely.MultiPolygon([shapely.Polygon(SQUARE, [HOLE])]).wkt


def test_rings_are_turned_counter_clockwise_and_holes_clockwise() -> None:
    boundary = geojson.read_boundary(polygon(SQUARE[::-1], HOLE[::-1]))

    [part] = boundary.geoms
    assert part.exterior.is_ccw
    assert [hole.is_ccw for hole in part.interiors] == [False]


def test_heights_are_dropped_and_six_digits_kept() -> None:
    read = geojson.read_point(point(11.12345678, 44.1234564, 312.5))

    assert read.wkt == "POINT (11.123457 44.123456)"
    assert not read.has_z


def test_positions_that_fall_together_when_rounded_are_kept_once() -> None:
    jitter = [SQUARE[0], [11.0000000001, 44.0], *SQUARE[1:-1], [10.9999999999, 44.0]]

    boundary = geojson.read_boundary(polygon(jitter))

    assert boundary.geoms[0].exterior.coords[:] == [tuple(position) for position in SQUARE]


def test_a_crossing_made_by_rounding_is_refused() -> None:
    """The needle is valid as sent; rounded, its tip lies beyond the edge opposite."""
    needle = [[11.0, 44.0], [11.1, 44.0], [11.1, 44.1], [11.05, 44.0000004], [11.0, 44.1], [11.0, 44.0]]
    assert shapely.Polygon(needle).is_valid

    with pytest.raises(GeometryInvalid) as refusal:
        geojson.read_boundary(polygon(needle))

    assert refusal.value.location == (11.05, 44.0)


@pytest.mark.parametrize(
    "name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"]
)
def test_a_reference_system_that_is_ours_is_accepted(name: str) -> None:
    assert geojson.read_point(point(11, 44, **crs(name))).wkt == "POINT (11 44)"


@pytest.mark.parametrize(
    "member",
    [
        crs("EPSG:3857"),
        crs("urn:ogc:def:crs:EPSG::32632"),
        {"crs": None},
        {"crs": "EPSG:4326"},
        {"crs": {"type": "link"}},
    ],
)
def test_another_reference_system_is_refused(member: dict[str, Any]) -> None:
    with pytest.raises(geometry.ReferenceSystemRefused):
        geojson.read_point(point(11, 44, **member))


def test_an_area_in_one_piece_is_asked_for_as_a_polygon() -> None:
    assert geojson.read_polygon(polygon(SQUARE, HOLE)).wkt == shapely.Polygon(SQUARE, [HOLE]).wkt
    with pytest.raises(GeometryInvalid, match="its type must be Polygon, not 'MultiPolygon'"):
        geojson.read_polygon(multipolygon([SQUARE]))


REFUSED = {
    "not an object": ("POINT (11 44)", "a GeoJSON object is expected, not text"),
    "null": (None, "a GeoJSON object is expected, not null"),
    "no type": ({"coordinates": [SQUARE]}, "its type must be Polygon or MultiPolygon, not 'None'"),
    "a point": (point(11, 44), "its type must be Polygon or MultiPolygon, not 'Point'"),
    "a feature": ({"type": "Feature", "geometry": polygon(SQUARE)}, "not 'Feature'"),
    "a collection": ({"type": "GeometryCollection", "geometries": []}, "not 'GeometryCollection'"),
    "no coordinates": ({"type": "Polygon"}, "coordinates must be an array that is not empty"),
    "empty": (multipolygon(), "coordinates must be an array that is not empty"),
    "an object as coordinates": ({"type": "Polygon", "coordinates": {}}, "coordinates must be an array"),
    "an empty polygon": (multipolygon([SQUARE], []), "polygon 1 is empty"),
    "an empty ring": (polygon([]), "ring 0 is empty"),
    "a null ring": (polygon(SQUARE, None), "ring 1 must be an array, not null"),
    "a short position": (polygon([[11.0], *SQUARE]), "position 0 must be [longitude, latitude], not an array of 1"),
    "a long position": (
        polygon([*SQUARE, [1, 2, 3, 4]]),
        "position 5 must be [longitude, latitude], not an array of 4",
    ),
    "a number as position": (polygon([11.0, 44.0]), "position 0 must be [longitude, latitude], not a number"),
    "text": (polygon([["11", "44"]]), "a coordinate must be a number, not text"),
    "true": (polygon([[True, 44.0]]), "a coordinate must be a number, not true or false"),
    "a null": (polygon([[None, 44.0]]), "a coordinate must be a number, not null"),
    "NaN": (polygon([[math.nan, 44.0]]), "a coordinate must be a finite number"),
    "infinity": (polygon([[math.inf, 44.0]]), "a coordinate must be a finite number"),
    "a huge integer": (polygon([[10**400, 44]]), "a coordinate must be a finite number"),
    "an open ring": (polygon(SQUARE[:-1]), "ring 0 is open: its last position must repeat its first"),
    "three positions": (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "ring 0 has 3 different positions in a row"),
    "one position": (polygon([SQUARE[0]] * 5), "ring 0 has 1 different positions in a row"),
    "a bowtie": (polygon(BOWTIE), "self-intersection"),
    "a spike": (polygon([*SQUARE[:-1], [10.9, 44.1], SQUARE[3], SQUARE[0]]), "self-intersection"),
    "a line": (polygon([[11.0, 44.0], [11.1, 44.0], [11.2, 44.0], [11.0, 44.0]]), "is invalid"),
    "a hole outside": (polygon(SQUARE, [[lon + 1, lat] for lon, lat in HOLE]), "hole lies outside shell"),
    "overlapping polygons": (multipolygon([SQUARE], [[[lon + 0.05, lat] for lon, lat in SQUARE]]), "self-intersection"),
    "off the globe": (polygon([[lon + 170, lat] for lon, lat in SQUARE]), "longitude must lie in -180..180"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_boundary_is_refused(case: str) -> None:
    value, reason = REFUSED[case]

    with pytest.raises(GeometryInvalid) as refusal:
        geojson.read_boundary(value)

    assert reason in refusal.value.message


def test_a_crossing_is_named_with_its_place() -> None:
    with pytest.raises(GeometryInvalid) as refusal:
        geojson.read_boundary(polygon(BOWTIE))

    assert refusal.value.reason == "self-intersection"
    assert refusal.value.location == (11.05, 44.05)


@pytest.mark.parametrize("lat_lon", [(44.6, 10.9), (49.5, 5.98), (36.7, -4.4)], ids=["Modena", "Esch", "Malaga"])
def test_latitude_first_is_noticed_not_mended(lat_lon: tuple[float, float]) -> None:
    with pytest.raises(geometry.CoordinatesLookSwapped) as refusal:
        geojson.read_point(point(*lat_lon))

    assert refusal.value.location == lat_lon


def test_latitude_first_is_noticed_where_no_country_is_expected() -> None:
    with pytest.raises(geometry.CoordinatesLookSwapped):
        geojson.read_point(point(-33.9, 151.2), GeometryLimits(expected=None))


def test_a_place_outside_europe_is_accepted_as_long_as_it_makes_sense() -> None:
    assert geojson.read_point(point(151.2, -33.9)).wkt == "POINT (151.2 -33.9)"


@pytest.mark.parametrize(
    ("limits", "value", "limit", "found"),
    [
        (GeometryLimits(positions=9), polygon(SQUARE, HOLE), "positions", 10),
        (GeometryLimits(rings=1), polygon(SQUARE, HOLE), "rings", 2),
        (GeometryLimits(polygons=2), multipolygon([SQUARE], [SQUARE], [SQUARE]), "polygons", 3),
        (GeometryLimits(depth=5), multipolygon([[[[[11.0]], 44.0]]]), "depth", 6),
        (GeometryLimits(depth=3), polygon(SQUARE), "depth", 4),
    ],
)
def test_what_is_too_complex_is_refused_by_count(
    limits: GeometryLimits, value: dict[str, Any], limit: str, found: int
) -> None:
    with pytest.raises(GeometryTooComplex) as refusal:
        geojson.read_boundary(value, limits)

    assert (refusal.value.limit, refusal.value.value) == (limit, found)
    assert refusal.value.maximum == getattr(limits, limit)


def test_the_limits_themselves_are_allowed() -> None:
    limits = GeometryLimits(positions=10, rings=2, polygons=1, depth=4)

    assert shapely.get_num_coordinates(geojson.read_boundary(polygon(SQUARE, HOLE), limits)) == 10


def test_a_continent_is_no_community() -> None:
    continent = [[0.0, 40.0], [30.0, 40.0], [30.0, 60.0], [0.0, 60.0], [0.0, 40.0]]

    with pytest.raises(GeometryTooComplex) as refusal:
        geojson.read_boundary(polygon(continent))

    assert refusal.value.limit == "area_km2"


def test_sixty_thousand_nested_arrays_are_refused_without_recursion() -> None:
    nested: Any = 11.0
    for _ in range(60_000):
        nested = [nested]

    with pytest.raises(GeometryTooComplex) as refusal:
        geojson.read_boundary({"type": "Polygon", "coordinates": nested})

    assert refusal.value.limit == "depth"


def test_the_area_of_a_degree_is_that_of_the_sphere() -> None:
    """Between 44 and 45 degrees north, one degree wide: R^2 x 1 degree x (sin 45 - sin 44)."""
    degree = shapely.box(11, 44, 12, 45)

    expected = geometry.EARTH_RADIUS_M**2 * math.radians(1) * (math.sin(math.radians(45)) - math.sin(math.radians(44)))
    assert geometry.approximate_area_km2(degree) == pytest.approx(expected / 1e6, rel=1e-9)


def test_repair_keeps_the_land_of_a_bowtie_and_nothing_else() -> None:
    crossing = geojson.read_unchecked(polygon(BOWTIE))

    mended = geometry.repaired(crossing, vertices_max=500)

    assert mended.is_valid
    assert len(mended.geoms) == 2
    assert mended.area == pytest.approx(0.005)


def test_repair_is_refused_above_its_vertices() -> None:
    with pytest.raises(GeometryTooComplex) as refusal:
        geometry.repaired(geojson.read_unchecked(polygon(BOWTIE)), vertices_max=4)

    assert (refusal.value.value, refusal.value.maximum) == (5, 4)


def test_repair_of_a_line_leaves_nothing_and_says_so() -> None:
    line = geojson.read_unchecked(polygon([[11.0, 44.0], [11.1, 44.0], [11.2, 44.0], [11.0, 44.0]]))

    with pytest.raises(GeometryInvalid, match="empty"):
        geometry.repaired(line, vertices_max=500)


def around(radii: list[float]) -> list[list[float]]:
    """A star-shaped ring about (11, 45) with these radii in degrees, clockwise."""
    turn = 2 * math.pi / len(radii)
    corners = [[11 + r * math.sin(i * turn), 45 + r * math.cos(i * turn)] for i, r in enumerate(radii)]
    return [*corners, corners[0]]


@given(st.lists(st.floats(min_value=0.05, max_value=1), min_size=3, max_size=30))
def test_what_is_read_is_valid_oriented_and_rounded(radii: list[float]) -> None:
    boundary = geojson.read_boundary(polygon(around(radii)))

    coordinates = shapely.get_coordinates(boundary)
    assert boundary.is_valid
    assert boundary.geoms[0].exterior.is_ccw
    assert len(coordinates) == len(radii) + 1
    np.testing.assert_array_equal(coordinates, geometry.round_degrees(coordinates))


@given(st.lists(st.tuples(st.floats(10, 12), st.floats(44, 46)), min_size=4, max_size=30))
def test_repair_gives_something_valid_and_rounded_or_refuses(corners: list[tuple[float, float]]) -> None:
    value = polygon([list(corner) for corner in [*corners, corners[0]]])

    try:
        boundary = geometry.repaired(geojson.read_unchecked(value), vertices_max=500)
    except GeometryInvalid:
        return

    coordinates = shapely.get_coordinates(boundary)
    assert boundary.is_valid
    np.testing.assert_array_equal(coordinates, geometry.round_degrees(coordinates))
