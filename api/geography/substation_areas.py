"""Areas of primary substations over GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from api.engine.connections import Connection
from api.engine.declarations import Node, entity
from api.engine.fields import column, edge, many
from api.geography.boundaries import BoundingBox, area_km2_field, boundary_field, box_field
from api.geography.filters import BoundingBoxInput, matching
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.geography.market_zones import MarketZone
from api.graphql.scalars import Decimal
from domain.communities import tables as communities
from domain.geography import tables, visibility
from domain.market.places import tables as markets

if TYPE_CHECKING:
    from api.communities.communities import Community
    from api.market.places.markets import Market


@entity(tables.SubstationArea, visible=visibility.areas)
class SubstationArea(Node):
    """The area served by one primary substation: the perimeter of an Italian community. Visible to everybody."""

    code: str = column(tables.SubstationArea.code, "Code, such as AC001E01298; unique.")
    name: str = column(tables.SubstationArea.name, "Name of the substation, or its code where it has none.")
    country: str = column(tables.SubstationArea.country, "Country, ISO 3166-1 alpha-2.")
    boundary: GeoJSONMultiPolygon = boundary_field(tables.SubstationArea, "The boundary.")
    bbox: BoundingBox = box_field(tables.SubstationArea)
    area_km2: Decimal = area_km2_field(tables.SubstationArea.area_m2)
    market_zone: MarketZone | None = edge(
        tables.SubstationArea.market_zone_id, "MarketZone", "The market zone it lies in; null when it is not known."
    )
    market: Annotated["Market", strawberry.lazy("api.market.places.markets")] | None = edge(
        tables.SubstationArea.market_zone_id,
        "Market",
        "The market of its zone; null where there is none.",
        match=markets.Market.zone_id,
    )
    communities: Connection[Annotated["Community", strawberry.lazy("api.communities.communities")]] = many(
        "Community",
        "Communities bounded by the area that the viewer may see, oldest first.",
        on=communities.Community.substation_area_id,
    )


@strawberry.input(description="Which substation areas; all the given conditions must hold.")
class SubstationAreaFilter:
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Areas that share a point with a box.")
    point: GeoJSONPoint | None = strawberry.field(default=None, description="Areas that cover a point, edges included.")
    code: str | None = strawberry.field(default=None, description="The area of exactly this code.")
    name: str | None = strawberry.field(default=None, description="Areas with this in their name, in any case.")


@strawberry.type
class SubstationAreaQueries:
    substation_areas: Connection[Annotated["SubstationArea", strawberry.lazy("api.geography.substation_areas")]] = many(
        "SubstationArea",
        "Areas of primary substations, oldest first.",
        filter=SubstationAreaFilter,
        where=matching(tables.SubstationArea),
    )
