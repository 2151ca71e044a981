"""Municipalities over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity
from api.engine.fields import column, many
from api.geography.boundaries import BoundingBox, area_km2_field, boundary_field, box_field
from api.geography.filters import BoundingBoxInput, matching
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.scalars import Micro
from domain.geography import tables, visibility


@entity(tables.Municipality, visible=visibility.areas)
class Municipality(Node):
    """A municipality. Visible to everybody."""

    country: str = column(tables.Municipality.country, "Country, ISO 3166-1 alpha-2.")
    code: str = column(tables.Municipality.code, "National code (ISTAT, LAU2) with its zeros; unique in its country.")
    name: str = column(tables.Municipality.name, "Official name.")
    population: int | None = column(tables.Municipality.population, "Inhabitants; null when not known.")
    population_year: int | None = column(
        tables.Municipality.population_year, "Year the inhabitants were counted or estimated; null when not known."
    )
    boundary: GeoJSONMultiPolygon = boundary_field(tables.Municipality, "The boundary.")
    bbox: BoundingBox = box_field(tables.Municipality)
    area_km2: Micro = area_km2_field(tables.Municipality.area_m2)


@strawberry.input(description="Which municipalities; all the given conditions must hold.")
class MunicipalityFilter:
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Those that share a point with a box.")
    point: GeoJSONPoint | None = strawberry.field(default=None, description="Those that cover a point, edges included.")
    country: str | None = strawberry.field(default=None, description="Those of a country, ISO 3166-1 alpha-2.")
    code: str | None = strawberry.field(default=None, description="Those of exactly this code; one in each country.")
    name: str | None = strawberry.field(default=None, description="Those with this in their name, in any case.")


@strawberry.type
class MunicipalityQueries:
    municipalities = many(
        "Municipality",
        "Municipalities, oldest entry first.",
        filter=MunicipalityFilter,
        where=matching(tables.Municipality),
    )
