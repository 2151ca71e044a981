"""Files of areas and queries of places that may not be."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.authorization.world import World
from tests.api.hostile.geometries import RING, circle
from tests.api.hostile.rows import ADMINISTRATOR, METER, STRONGEST, IdOf, Row, Section, Sent, asked, of
from tests.factories.geography import a_market_zone

AREAS = "query A($filter: SubstationAreaFilter) { substationAreas(filter: $filter) { totalCount } }"
BOUNDARY = "query G($id: ID!, $m: Int) { node(id: $id) { ... on SubstationArea { boundary(simplifyMeters: $m) } } }"
AREA = {
    "type": "Feature",
    "properties": {"code": "AC-1", "name": "x"},
    "geometry": {"type": "Polygon", "coordinates": [RING]},
}


def feature(**changes: Any) -> dict[str, Any]:
    return AREA | changes


def shaped(coordinates: Any, kind: str = "Polygon") -> dict[str, Any]:
    return feature(geometry={"type": kind, "coordinates": coordinates})


def features(*given: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(given), **more}).encode()


def areas(content: bytes, role: str = STRONGEST, **parameters: str) -> Callable[[IdOf], Sent]:
    """A file of substation areas."""
    given = {"kind": "substation-areas", "code": "code", "name": "name", "country": "=IT"} | parameters
    return lambda id_of: Sent(content, {}, f"/v1/imports/areas?{urlencode(given)}", role=role)


PLACES = (
    Row(
        "a box outside the world",
        asked(AREAS, {"filter": {"bbox": {"minLon": -500, "minLat": 0, "maxLon": 500, "maxLat": 1}}}),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a box from east to west",
        asked(AREAS, {"filter": {"bbox": {"minLon": 10, "minLat": 0, "maxLon": 9, "maxLat": 1}}}),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a number beyond float in a box",
        asked("{ substationAreas(filter: {bbox: {minLon: 1e999, minLat: 0, maxLon: 9, maxLat: 1}}) { totalCount } }"),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a point with text for numbers",
        asked(AREAS, {"filter": {"point": {"type": "Point", "coordinates": ["9", "45"]}}}),
        200,
        "BAD_USER_INPUT",
        "The geometry is invalid: a coordinate must be a number, not text. [point]",
    ),
    Row(
        "latitude before longitude",
        asked(AREAS, {"filter": {"point": {"type": "Point", "coordinates": [45, 109]}}}),
        200,
        "BAD_USER_INPUT",
        "The geometry is invalid: longitude must lie in -180..180 and latitude in -90..90. [point]",
    ),
    Row(
        "a line for a point",
        asked(AREAS, {"filter": {"point": {"type": "LineString", "coordinates": [[9, 45], [10, 46]]}}}),
        400,
        "BAD_USER_INPUT",
        "A GeoJSONPoint is a GeoJSON object whose type is Point.",
    ),
    Row(
        "a boundary simplified by minus one",
        asked(BOUNDARY, of("SubstationArea", "area", m=-1)),
        200,
        "BAD_USER_INPUT",
        "simplifyMeters must be between 0 and 100000. [simplifyMeters]",
    ),
)

FILES = (
    Row("areas by nobody", areas(features(AREA), role="nobody"), 401, "UNAUTHENTICATED", "Sign in first."),
    Row(
        "areas by who administers a community",
        areas(features(AREA), role=ADMINISTRATOR),
        403,
        "FORBIDDEN",
        "Areas are imported by administrators.",
    ),
    Row(
        "areas by a gateway",
        areas(features(AREA), role=METER),
        403,
        "FORBIDDEN",
        "Areas are imported by administrators.",
    ),
    Row(
        "areas of an unknown kind",
        areas(features(AREA), kind="planets"),
        400,
        "BAD_USER_INPUT",
        "kind must be one of municipalities, substation-areas, market-zones. [kind]",
    ),
    Row(
        "areas without a parameter",
        areas(features(AREA), code=""),
        400,
        "BAD_USER_INPUT",
        "code is missing: the name of a property, or =value. [code]",
    ),
    Row(
        "an empty file of areas",
        areas(b""),
        422,
        "",
        "The file is not JSON: Input is a zero-length, empty document, line 1, column 1.",
    ),
    Row(
        "areas that are not JSON",
        areas(b"<kml/>"),
        422,
        "",
        "The file is not JSON: unexpected character, expected a JSON value, line 1, column 1.",
    ),
    Row("a bare feature", areas(json.dumps(AREA).encode()), 422, "", "The file is not a GeoJSON FeatureCollection."),
    Row("a collection of nothing", areas(features()), 422, "", "The collection has no features."),
    Row("features that are numbers", areas(features(1, None)), 422, "", "it is not a Feature [feature 0]"),
    Row(
        "areas in another reference system",
        areas(features(AREA, crs={"type": "name", "properties": {"name": "EPSG:3035"}})),
        422,
        "",
        "The geometry is invalid: coordinates must be in EPSG:4326 (OGC:CRS84), not in 'EPSG:3035'.",
    ),
    Row(
        "a good area and a bow tie",
        areas(features(AREA, shaped([[[6, 49], [7, 50], [7, 49], [6, 50], [6, 49]]]))),
        422,
        "",
        "self-intersection [feature 1]",
    ),
    Row(
        "an area with an open ring",
        areas(features(shaped([RING[:-1]]))),
        422,
        "",
        "ring 0 is open: its last position must repeat its first [feature 0]",
    ),
    Row(
        "an area that is a line",
        areas(features(shaped([[6, 49], [7, 50]], "LineString"))),
        422,
        "",
        "its type must be Polygon or MultiPolygon, not 'LineString' [feature 0]",
    ),
    Row("an area without geometry", areas(features(feature(geometry=None))), 422, "", "it has no geometry [feature 0]"),
    Row(
        "an area of 200,001 positions",
        areas(features(shaped([circle(200_001)]))),
        422,
        "",
        "The geometry is too complex: positions is 200,002, at most 200,000 are allowed. [feature 0]",
    ),
    Row("a code twice in a file", areas(features(AREA, AREA)), 422, "", "its code is that of feature 0 [feature 1]"),
    Row(
        "a code that is a number",
        areas(features(feature(properties={"code": 7, "name": "x"}))),
        422,
        "",
        "property 'code' must be text, not another kind of value [feature 0]",
    ),
    Row(
        "a code with NUL in a file",
        areas(features(feature(properties={"code": "A\x00", "name": "x"}))),
        422,
        "",
        "property 'code' has control characters [feature 0]",
    ),
    Row(
        "a population of 10^30",
        areas(
            features(feature(properties={"code": "1", "name": "x", "p": 10**30})), kind="municipalities", population="p"
        ),
        422,
        "",
        "property 'p' must lie in 0..2147483647 [feature 0]",
    ),
    Row(
        "a country that is none",
        areas(features(AREA), country="=Italy"),
        422,
        "",
        "country 'Italy' must be two capital letters, such as IT [feature 0]",
    ),
    Row(
        "areas that unpack to 200 MiB",
        areas(gzip.compress(b" " * (200 * 2**20), 1)),
        422,
        "",
        "The file is larger than 134,217,728 bytes.",
    ),
    Row(
        "packed areas cut off",
        areas(gzip.compress(features(AREA))[:-12]),
        422,
        "",
        "The file is not whole gzip data: Compressed file ended before the end-of-stream marker was reached.",
    ),
    Row(
        "areas in a form without file",
        lambda id_of: Sent(
            b"--x--",
            {"content-type": "multipart/form-data; boundary=x"},
            "/v1/imports/areas?kind=substation-areas&code=c&name=n&country=c",
        ),
        400,
        "BAD_USER_INPUT",
        "The form needs one part named file, with a file name. [file]",
    ),
)

SECTIONS = (
    Section("Queries", PLACES, place=21),
    Section("Files of areas", FILES, place=210),
)


async def set_scene(session: AsyncSession, world: World) -> None:
    """Two more zones."""
    for name in ("west", "east"):
        world.keep("MarketZone", name, await a_market_zone(session, name.upper()))
