"""Communities: what may be known of them."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import func, select

from api.engine.declarations import Node, Through, entity, extends
from api.engine.fields import column, edge, many
from api.geography.boundaries import boundary_field
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.context import Info
from api.graphql.periods import PeriodInput, series
from api.graphql.scalars import DateTime
from api.metering.series import refused_as_input
from api.transport.terms.errors import Forbidden
from domain.communities import balance, frameworks, participations, sight, tables, visibility
from domain.communities.tables import CommunityKind, CommunityStatus
from domain.kernel.intervals import Resolution

if TYPE_CHECKING:
    pass


_members_now = (
    select(func.count())
    .select_from(tables.Membership)
    .where(tables.Membership.community_id == tables.Community.id, sight.in_force())
    .scalar_subquery()
)


@strawberry.type(description="What a community injects and withdraws together, packed: one number per interval.")
class BalanceSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of an interval.")
    injected_kwh: list[float] = strawberry.field(description="Energy into the grid, kWh, by participation factor.")
    withdrawn_kwh: list[float] = strawberry.field(description="Energy out of the grid, kWh, by participation factor.")
    surplus_kwh: list[float] = strawberry.field(description="max(0, injected - withdrawn) of each interval, kWh.")
    deficit_kwh: list[float] = strawberry.field(description="max(0, withdrawn - injected) of each interval, kWh.")
    missing: list[int] = strawberry.field(
        description="Indices, from 0, of intervals in which readings are missing; their values hold what has arrived."
    )


@entity(tables.Community, visible=visibility.communities, carries={"zone": tables.Community.timezone})
class Community(Node):
    """People and bodies who share or trade energy. Listed ones are visible to everybody, others to members."""

    name: str = column(tables.Community.name, "Its name.")
    description: str | None = column(tables.Community.description, "What its members say of it.")
    framework = edge(
        tables.Community.framework_code,
        "Framework",
        "The rules in force today; null should there be none.",
        match=tables.Framework.code,
        where=frameworks.in_force,
        is_optional=True,
    )
    kind: CommunityKind = column(tables.Community.kind, "What it is on the ground.")
    status: CommunityStatus = column(tables.Community.status, "Where it stands.")
    is_listed: bool = column(tables.Community.is_listed, "Whether everybody may see it.")
    country: str = column(tables.Community.country, "Country, ISO 3166-1 alpha-2.")
    timezone: str = column(tables.Community.timezone, "IANA zone of its local days.")
    version: int = column(tables.Community.version, "Counts changes; give it as expectedVersion.")
    substation_area = edge(
        tables.Community.substation_area_id,
        "SubstationArea",
        "The primary-substation area that bounds it, if any.",
        is_optional=True,
    )
    boundary: GeoJSONMultiPolygon | None = boundary_field(tables.Community, "Its boundary; null where none was drawn.")  # type: ignore[arg-type]
    location: GeoJSONPoint | None = column(
        tables.Community.location_geojson, "Where to put its label on a map; it is public.", heavy=True
    )
    created_at: DateTime = column(tables.Community.created_at, "When it was founded here.")
    member_count: int = column(_members_now, "How many members it has today; it is public.", heavy=True)
    members = many(
        "Member",
        "Today's members that the viewer may see.",
        on=tables.Membership.community_id,
        through=Through(tables.Membership, tables.Membership.member_id, sight.in_force),
        visible=visibility.memberships,  # Who sees a membership sees the member; to see it elsewhere is not enough.
    )
    memberships = many(
        "Membership", "Memberships, past ones too, that the viewer may see.", on=tables.Membership.community_id
    )
    metering_points = many(
        "MeteringPoint",
        "Metering points that take part today and that the viewer may see.",
        on=tables.Participation.community_id,
        through=Through(tables.Participation, tables.Participation.metering_point_id, participations.in_force),
        visible=visibility.participations,  # Who sees a participation sees the point; as with members.
    )
    assets = many("Asset", "Plants and storage that the viewer may see.", on=tables.Asset.community_id)

    @strawberry.field(
        metadata=series(),
        description="What it injects and withdraws in a period of at most 10000 intervals. Who does not administer it "
        "gets FORBIDDEN with reason TOO_FEW_MEMBERS where on some day fewer than 5 members take part.",
    )
    async def balance(
        self,
        info: Info,
        period: Annotated[
            PeriodInput, strawberry.argument(description="Whole intervals; for DAY and MONTH in the community's zone.")
        ],
        resolution: Annotated[
            Resolution, strawberry.argument(description="Length of an interval; not finer than the readings.")
        ],
    ) -> BalanceSeries:
        info.context.take_series()
        span = period.span()
        try:
            with refused_as_input():
                async with info.context.database.reading() as connection:
                    found = await balance.read_balance(
                        connection,
                        self.__dict__["id"],
                        self.__dict__["zone"],
                        span,
                        resolution,
                        by=info.context.viewer,
                    )
        except balance.TooFewMembers as error:
            raise Forbidden(error.message, reason="TOO_FEW_MEMBERS", minimum=error.minimum) from error
        return BalanceSeries(
            start=DateTime(span.start),
            resolution=resolution,
            injected_kwh=found.injected_kwh.tolist(),
            withdrawn_kwh=found.withdrawn_kwh.tolist(),
            surplus_kwh=found.surplus_kwh.tolist(),
            deficit_kwh=found.deficit_kwh.tolist(),
            missing=list(found.missing),
        )


@extends("SubstationArea")
class CommunitiesOfArea:
    communities = many(
        "Community",
        "Communities bounded by the area that the viewer may see, oldest first.",
        on=tables.Community.substation_area_id,
    )
