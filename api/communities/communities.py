"""Communities: what may be known of them."""

from sqlalchemy import func, select

from api.engine.declarations import Node, Through, entity, extends
from api.engine.fields import column, edge, many
from api.geography.boundaries import boundary_field
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.scalars import DateTime
from domain.communities import frameworks, participations, sight, tables, visibility
from domain.communities.tables import CommunityKind, CommunityStatus

_members_now = (
    select(func.count())
    .select_from(tables.Membership)
    .where(tables.Membership.community_id == tables.Community.id, sight.in_force())
    .scalar_subquery()
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


@extends("SubstationArea")
class CommunitiesOfArea:
    communities = many(
        "Community",
        "Communities bounded by the area that the viewer may see, oldest first.",
        on=tables.Community.substation_area_id,
    )
