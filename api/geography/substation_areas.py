"""Areas of primary substations over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity
from api.engine.fields import column, edge, many
from api.geography.boundaries import BoundingBox, area_km2_field, boundary_field, box_field
from api.geography.filters import BoundingBoxInput, matching
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.scalars import Micro
from domain.geography import tables, visibility


@entity(tables.SubstationArea, visible=visibility.areas)
class SubstationArea(Node):
    """The area served by one primary substation: the perimeter of an Italian community. Visible to everybody."""

    code: str = column(tables.SubstationArea.code, "Code, such as AC001E01298; unique.")
    name: str = column(tables.SubstationArea.name, "Name of the substation, or its code where it has none.")
    country: str = column(tables.SubstationArea.country, "Country, ISO 3166-1 alpha-2.")
    boundary: GeoJSONMultiPolygon = boundary_field(tables.SubstationArea, "The boundary.")
    bbox: BoundingBox = box_field(tables.SubstationArea)
    area_km2: Micro = area_km2_field(tables.SubstationArea.area_m2)
    market_zone = edge(
        tables.SubstationArea.market_zone_id,
        "MarketZone",
        "The market zone it lies in; null when it is not known.",
        is_optional=True,
    )


@strawberry.input(description="Which substation areas; all the given conditions must hold.")
class SubstationAreaFilter:
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Areas that share a point with a box.")
    point: GeoJSONPoint | None = strawberry.field(default=None, description="Areas that cover a point, edges included.")
    code: str | None = strawberry.field(default=None, description="The area of exactly this code.")
    name: str | None = strawberry.field(default=None, description="Areas with this in their name, in any case.")


@strawberry.type
class SubstationAreaQueries:
    substation_areas = many(
        "SubstationArea",
        "Areas of primary substations, oldest first.",
        filter=SubstationAreaFilter,
        where=matching(tables.SubstationArea),
    )
