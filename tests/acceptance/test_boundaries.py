"""Modena's municipalities and substation areas: imported by the command line, asked for over GraphQL."""

import json
from dataclasses import replace
from typing import Any

import pytest
import shapely

from tests.acceptance import published
from tests.acceptance.conftest import People
from tests.acceptance.stack.clients import Client

MODENA = (10.925, 44.647)  # Piazza Grande, degrees.


def in_file(features: list[Any], **properties: str) -> Any:
    """The one feature with these properties."""
    (found,) = [one for one in features if properties.items() <= one["properties"].items()]
    return found


def polygons(geometry: Any) -> set[tuple[Any, ...]]:
    """Polygons as sets of rings, so that neither the order of polygons nor where a ring starts counts."""
    shape = shapely.normalize(shapely.from_geojson(json.dumps(geometry)))
    parts = shapely.get_parts(shape)
    return {tuple(map(tuple, shapely.get_coordinates(part).tolist())) for part in parts}


@pytest.fixture(scope="session")
def anybody(people: People, said_of_areas: dict[str, str]) -> Client:
    return replace(people.admin, token=None)


def test_the_command_line_says_what_it_imported(said_of_areas: dict[str, str]) -> None:
    assert said_of_areas["municipalities"].startswith("47 municipalities, ")
    assert ": 47 created, 0 updated, 0 unchanged." in said_of_areas["municipalities"]
    assert said_of_areas["areas"].startswith("35 substation-areas, ")
    assert ": 35 created, 0 updated, 0 unchanged." in said_of_areas["areas"]


def test_all_are_listed_with_their_people(anybody: Client) -> None:
    found = anybody.ask(
        "{ municipalities(first: 100) { totalCount edges { node { population } } } substationAreas { totalCount } }"
    )

    assert (found["municipalities"]["totalCount"], found["substationAreas"]["totalCount"]) == (47, 35)
    assert sum(edge["node"]["population"] for edge in found["municipalities"]["edges"]) == 685_777


def test_a_boundary_is_the_published_one(anybody: Client) -> None:
    expected = in_file(published.features(published.MUNICIPALITIES), istat_code="036023")

    (edge,) = anybody.ask('{ municipalities(filter: {code: "036023"}) { edges { node { name boundary areaKm2 } } } }')[
        "municipalities"
    ]["edges"]

    assert edge["node"]["name"] == "Modena"
    assert edge["node"]["boundary"]["type"] == "MultiPolygon"
    assert polygons(edge["node"]["boundary"]) == polygons(expected["geometry"])
    assert 182 < float(edge["node"]["areaKm2"]) < 185  # The town states 183 km².


def test_a_point_finds_the_area_that_serves_it(anybody: Client) -> None:
    point = {"type": "Point", "coordinates": MODENA}
    covering = [
        feature["properties"]["code"]
        for feature in published.features(published.AREAS)
        if shapely.from_geojson(json.dumps(feature["geometry"])).covers(shapely.Point(MODENA))
    ]

    found = anybody.ask(
        "query($point: GeoJSONPoint!) { substationAreas(filter: {point: $point}) { edges { node { code } } } }",
        point=point,
    )

    assert [edge["node"]["code"] for edge in found["substationAreas"]["edges"]] == covering
    assert len(covering) == 1
