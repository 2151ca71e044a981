"""Market zones over GraphQL."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement

from api.engine.connections import Connection
from api.engine.declarations import Node, entity
from api.engine.fields import column, edge, many
from api.geography.boundaries import boundary_field
from api.geography.filters import matching
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.context import Info
from api.graphql.periods import PeriodInput
from api.grid import analytics, loads
from api.grid.alerts import grid_alerts
from api.grid.analytics import ZoneAnalytics
from api.grid.loads import ZoneLoadSeries
from domain.geography import tables, visibility
from domain.grid import tables as grid
from domain.grid.tables import LimitKind
from domain.market.places import tables as markets

if TYPE_CHECKING:
    from api.geography.substation_areas import SubstationArea
    from api.grid.alerts import GridAlert
    from api.grid.capacities import ZoneCapacity
    from api.grid.halts import ZoneHalt
    from api.grid.limits import ZoneLimit
    from api.market.places.markets import Market

LOADED = Annotated[
    PeriodInput | None,
    strawberry.argument(description="Whole quarter-hours, at most 3000; left out, the last 26 hours and the next 4."),
]
ANALYSED = Annotated[PeriodInput, strawberry.argument(description="Whole quarter-hours, at most 3000.")]


LIMITS = strawberry.lazy("api.grid.limits")


def _stands() -> ColumnElement[bool]:
    return grid.ZoneHalt.lifted_at.is_(None)


def _limit(kind: LimitKind, description: str) -> Any:
    """An edge to the zone's limit of a kind."""
    return edge(
        tables.MarketZone.id,
        "ZoneLimit",
        description,
        match=grid.ZoneLimit.zone_id,
        where=lambda: grid.ZoneLimit.kind == kind,
    )


@entity(tables.MarketZone, visible=visibility.areas)
class MarketZone(Node):
    """A zone in which energy is traded at one price. Visible to everybody."""

    code: str = column(tables.MarketZone.code, "Code, such as NORD; unique.")
    name: str = column(tables.MarketZone.name, "Name.")
    country: str = column(tables.MarketZone.country, "Country, ISO 3166-1 alpha-2.")
    boundary: GeoJSONMultiPolygon | None = boundary_field(tables.MarketZone, "The boundary; null when not drawn.")
    substation_areas: Connection[Annotated["SubstationArea", strawberry.lazy("api.geography.substation_areas")]] = many(
        "SubstationArea", "Substation areas in this zone, oldest first.", on=tables.SubstationArea.market_zone_id
    )
    market: Annotated["Market", strawberry.lazy("api.market.places.markets")] | None = edge(
        tables.MarketZone.id,
        "Market",
        "The market of the zone; null where there is none.",
        match=markets.Market.zone_id,
    )
    halt: Annotated["ZoneHalt", strawberry.lazy("api.grid.halts")] | None = edge(
        tables.MarketZone.id,
        "ZoneHalt",
        "The halt that stands; null where trading goes on.",
        match=grid.ZoneHalt.zone_id,
        where=_stands,
    )
    halts: Connection[Annotated["ZoneHalt", strawberry.lazy("api.grid.halts")]] = many(
        "ZoneHalt", "All halts of the zone, oldest first.", on=grid.ZoneHalt.zone_id
    )
    limit_per_order: Annotated["ZoneLimit", LIMITS] | None = _limit(
        LimitKind.PER_ORDER, "The most energy of an order; null where the operator set none."
    )
    limit_per_member_and_day: Annotated["ZoneLimit", LIMITS] | None = _limit(
        LimitKind.PER_MEMBER_AND_DAY,
        "The most energy that a member offers for a day; null where the operator set none.",
    )
    limit_per_zone_and_interval: Annotated["ZoneLimit", LIMITS] | None = _limit(
        LimitKind.PER_ZONE_AND_INTERVAL,
        "The most energy that all offer for a delivery interval; null where the operator set none.",
    )
    capacities: Connection[Annotated["ZoneCapacity", strawberry.lazy("api.grid.capacities")]] = many(
        "ZoneCapacity",
        "What the zone can take in and give out, as it was said over time, oldest first.",
        on=grid.ZoneCapacity.zone_id,
    )
    alerts: Connection[Annotated["GridAlert", strawberry.lazy("api.grid.alerts")]] = grid_alerts(
        "Alerts and maintenance notices of the zone, oldest first.", on=grid.GridAlert.zone_id
    )

    @strawberry.field(description="What passes between the zone and the rest of the grid, by quarter-hour.")
    async def load(self, info: Info, period: LOADED = None) -> ZoneLoadSeries:
        if period is not None:  # What is read of about now is little.
            info.context.take_series()
        return await loads.read(info.context, self.__dict__["id"], period)

    @strawberry.field(description="What the zone went through in a period, and how it is now.")
    async def analytics(self, info: Info, period: ANALYSED) -> ZoneAnalytics:
        info.context.take_series()
        return await analytics.read(info.context, self.__dict__["id"], period)


@strawberry.input(description="Which market zones; all the given conditions must hold.")
class MarketZoneFilter:
    point: GeoJSONPoint | None = strawberry.field(default=None, description="Zones that cover a point, edges included.")
    country: str | None = strawberry.field(default=None, description="Zones of a country, ISO 3166-1 alpha-2.")
    code: str | None = strawberry.field(default=None, description="The zone of exactly this code.")
    name: str | None = strawberry.field(default=None, description="Zones with this in their name, in any case.")


@strawberry.type
class MarketZoneQueries:
    market_zones: Connection[Annotated["MarketZone", strawberry.lazy("api.geography.market_zones")]] = many(
        "MarketZone", "Zones of the market, oldest first.", filter=MarketZoneFilter, where=matching(tables.MarketZone)
    )
