"""Areas over GraphQL: shape, filters, boundaries as GeoJSON objects, refusals."""

from typing import Any

import pytest

from tests.api.geography.conftest import SCHEMA, Site
from tests.factories import geography

CODES = (
    "query Q($filter: SubstationAreaFilter) { substationAreas(filter: $filter) { edges { node { code } } totalCount } }"
)


async def three_areas(site: Site) -> None:
    """AC1, AC2, AC3 from west to east; AC1 and AC2 share an edge, AC3 lies apart."""
    async with site.database.transaction() as session:
        for code, lon, name in (("AC1", 10.0, "San Damaso"), ("AC2", 10.1, "Carpi 100%"), ("AC3", 10.5, "Carpi Sud")):
            await geography.a_substation_area(session, code, geography.a_square(lon, 44), name=name)


async def codes(site: Site, **given: Any) -> list[str]:
    body = await site.ask(CODES, {"filter": given})
    assert "errors" not in body, body
    found = [edge["node"]["code"] for edge in body["data"]["substationAreas"]["edges"]]
    assert body["data"]["substationAreas"]["totalCount"] == len(found)
    return found


async def refusal(site: Site, **given: Any) -> dict[str, Any]:
    [error] = (await site.ask(CODES, {"filter": given}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    shown: dict[str, Any] = error
    return shown


def a_point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


def a_box(min_lon: float, min_lat: float, max_lon: float, max_lat: float) -> dict[str, float]:
    return {"minLon": min_lon, "minLat": min_lat, "maxLon": max_lon, "maxLat": max_lat}


async def test_an_area_shows_its_boundary_as_an_object_with_box_and_size(site: Site) -> None:
    async with site.database.transaction() as session:
        zone = await geography.a_market_zone(session)
        await geography.a_substation_area(session, market_zone_id=zone.id)

    body = await site.ask(
        "{ substationAreas { edges { node { id code name country areaKm2 boundary"
        " bbox { minLon minLat maxLon maxLat } marketZone { code boundary substationAreas { edges { node { code } } } }"
        " } } } }"
    )

    [edge] = body["data"]["substationAreas"]["edges"]
    id, area_km2 = edge["node"].pop("id"), edge["node"].pop("areaKm2")
    assert edge["node"] == {
        "code": "AC001E01298",
        "name": "Area AC001E01298",
        "country": "IT",
        "boundary": {
            "type": "MultiPolygon",
            "coordinates": [[[[11.0, 44.6], [11.0, 44.7], [10.9, 44.7], [10.9, 44.6], [11.0, 44.6]]]],
        },
        "bbox": a_box(10.9, 44.6, 11.0, 44.7),
        "marketZone": {
            "code": "NORD",
            "boundary": None,
            "substationAreas": {"edges": [{"node": {"code": "AC001E01298"}}]},
        },
    }
    assert id.startswith("SubstationArea:")
    assert float(area_km2) == pytest.approx(88.2, rel=0.01)


async def test_a_municipality_shows_its_people(site: Site) -> None:
    async with site.database.transaction() as session:
        await geography.a_municipality(session)
        await geography.a_municipality(session, code="0101", name="Dippach", country="LU", population=None)

    body = await site.ask(
        'query { municipalities(filter: {country: "IT"}) '
        "{ edges { node { country code name population populationYear bbox { minLat } areaKm2 } } } }"
    )

    [edge] = body["data"]["municipalities"]["edges"]
    assert float(edge["node"].pop("areaKm2")) == pytest.approx(88.2, rel=0.01)
    assert edge["node"] == {
        "country": "IT",
        "code": "036023",
        "name": "Modena",
        "population": 179_149,
        "populationYear": 2011,
        "bbox": {"minLat": 44.6},
    }


async def test_areas_are_read_again_by_their_id(site: Site) -> None:
    await three_areas(site)
    body = await site.ask("{ substationAreas(first: 1) { edges { node { id code } } } }")
    [edge] = body["data"]["substationAreas"]["edges"]

    again = await site.ask("query N($id: ID!) { node(id: $id) { id ... on SubstationArea { code } } }", edge["node"])

    assert again["data"] == {"node": edge["node"]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["AC1", "AC2", "AC3"]),
        ({"code": "AC2"}, ["AC2"]),
        ({"code": "ac2"}, []),
        ({"name": "carpi"}, ["AC2", "AC3"]),
        ({"name": "%"}, ["AC2"]),
        ({"name": "_"}, []),
        ({"point": a_point(10.05, 44.05)}, ["AC1"]),
        ({"point": a_point(10.1, 44.05)}, ["AC1", "AC2"]),
        ({"point": a_point(10.4, 44.05)}, []),
        ({"bbox": a_box(10.15, 44.05, 10.55, 44.06)}, ["AC2", "AC3"]),
        ({"bbox": a_box(10.6, 44.0, 10.7, 44.1)}, ["AC3"]),
        ({"bbox": a_box(-180, -90, 180, 90)}, ["AC1", "AC2", "AC3"]),
        ({"bbox": a_box(10.05, 44.05, 10.05, 44.05)}, ["AC1"]),
        ({"name": "carpi", "point": a_point(10.55, 44.05)}, ["AC3"]),
        ({"code": "AC1", "name": "carpi"}, []),
    ],
)
async def test_areas_are_found_by_place_code_and_name(site: Site, given: dict[str, Any], expected: list[str]) -> None:
    await three_areas(site)

    assert await codes(site, **given) == expected


async def test_a_point_may_be_a_literal(site: Site) -> None:
    await three_areas(site)

    body = await site.ask(
        '{ substationAreas(filter: {point: {type: "Point", coordinates: [10.55, 44.05]}}) { edges { node { code } } } }'
    )

    assert body["data"] == {"substationAreas": {"edges": [{"node": {"code": "AC3"}}]}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"point": "POINT(10 44)"}, "A GeoJSONPoint is a GeoJSON object whose type is Point."),
        ({"point": {"type": "Polygon", "coordinates": []}}, "A GeoJSONPoint is a GeoJSON object whose type is Point."),
        ({"point": {"type": "Point"}}, "coordinates must be an array that is not empty"),
        ({"point": {"type": "Point", "coordinates": [10]}}, "must be [longitude, latitude]"),
        ({"point": {"type": "Point", "coordinates": ["10", "44"]}}, "a coordinate must be a number, not text"),
        ({"point": {"type": "Point", "coordinates": [44.05, 10.05]}}, "coordinates look like lat,lon"),
        ({"point": {"type": "Point", "coordinates": [[[[[[1]]]]]]}}, "depth is 6, at most 5"),
        ({"point": a_point(10, 44) | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}}, "EPSG:4326"),
        ({"bbox": a_box(11, 44, 10, 45)}, "The box needs minLon <= maxLon"),
        ({"bbox": a_box(-181, 44, 10, 45)}, "The box needs minLon <= maxLon"),
        ({"code": "A\x00"}, "code must have 1 to 200 characters, none of them NUL."),
        ({"name": ""}, "name must have 1 to 200 characters, none of them NUL."),
        ({"name": "x" * 201}, "name must have 1 to 200 characters, none of them NUL."),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(site: Site, given: dict[str, Any], message: str) -> None:
    assert message in (await refusal(site, **given))["message"]


@pytest.mark.parametrize("number", ["1" * 5_000, "1e999", "-1" + "0" * 400])
async def test_numbers_beyond_all_bounds_are_refused(site: Site, number: str) -> None:
    body = await site.ask(
        f'{{ substationAreas(filter: {{point: {{type: "Point", coordinates: [{number}, 44]}}}}) {{ totalCount }} }}'
    )

    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


async def test_a_simplified_boundary_has_fewer_corners_and_is_still_an_area(site: Site) -> None:
    async with site.database.transaction() as session:
        disc = geography.a_square().centroid.buffer(0.1, quad_segs=64)
        await geography.a_municipality(session, boundary=geography.as_multipolygon(disc))

    body = await site.ask("{ municipalities { edges { node { boundary simple: boundary(simplifyMeters: 500) } } } }")

    [edge] = body["data"]["municipalities"]["edges"]
    rings = [edge["node"][name]["coordinates"][0][0] for name in ("boundary", "simple")]
    assert edge["node"]["simple"]["type"] == "MultiPolygon"
    assert len(rings[0]) == 257
    assert 8 < len(rings[1]) < 60
    assert rings[1][0] == rings[1][-1]


@pytest.mark.parametrize("metres", [-1, 100_001])
async def test_simplifying_has_bounds(site: Site, metres: int) -> None:
    await three_areas(site)

    body = await site.ask(f"{{ substationAreas {{ edges {{ node {{ boundary(simplifyMeters: {metres}) }} }} }} }}")

    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}


async def test_market_zones_are_listed(site: Site) -> None:
    async with site.database.transaction() as session:
        await geography.a_market_zone(session, "NORD", geography.a_square())
        await geography.a_market_zone(session, "SUD")

    body = await site.ask(
        "query Z($point: GeoJSONPoint) { marketZones(filter: {point: $point}) { edges { node { code name } } } }",
        {"point": a_point(*geography.MODENA)},
    )

    assert body["data"] == {"marketZones": {"edges": [{"node": {"code": "NORD", "name": "Nord"}}]}}


def test_the_scalars_say_where_they_are_specified() -> None:
    sdl = SCHEMA.as_str()

    assert 'scalar GeoJSONPoint @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc7946")' in sdl
    assert 'scalar GeoJSONMultiPolygon @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc7946")' in sdl
