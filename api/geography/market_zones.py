"""Market zones over GraphQL."""

from typing import TYPE_CHECKING

import strawberry

from api.engine.declarations import Node, entity
from api.engine.fields import column, many
from api.geography.boundaries import boundary_field
from api.geography.filters import matching
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from domain.geography import tables, visibility

if TYPE_CHECKING:
    pass


@entity(tables.MarketZone, visible=visibility.areas)
class MarketZone(Node):
    """A zone in which energy is traded at one price. Visible to everybody."""

    code: str = column(tables.MarketZone.code, "Code, such as NORD; unique.")
    name: str = column(tables.MarketZone.name, "Name.")
    country: str = column(tables.MarketZone.country, "Country, ISO 3166-1 alpha-2.")
    boundary: GeoJSONMultiPolygon | None = boundary_field(tables.MarketZone, "The boundary; null when not drawn.")
    substation_areas = many(
        "SubstationArea", "Substation areas in this zone, oldest first.", on=tables.SubstationArea.market_zone_id
    )


@strawberry.input(description="Which market zones; all the given conditions must hold.")
class MarketZoneFilter:
    point: GeoJSONPoint | None = strawberry.field(default=None, description="Zones that cover a point, edges included.")
    country: str | None = strawberry.field(default=None, description="Zones of a country, ISO 3166-1 alpha-2.")
    code: str | None = strawberry.field(default=None, description="The zone of exactly this code.")
    name: str | None = strawberry.field(default=None, description="Zones with this in their name, in any case.")


@strawberry.type
class MarketZoneQueries:
    market_zones = many(
        "MarketZone", "Zones of the market, oldest first.", filter=MarketZoneFilter, where=matching(tables.MarketZone)
    )
