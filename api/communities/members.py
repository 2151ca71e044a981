"""Members and their memberships."""

import strawberry
from sqlalchemy import ColumnElement

from api.engine.declarations import Node, entity
from api.engine.fields import column, edge, enums, many
from api.graphql.scalars import Date, DateTime, Micro
from domain.communities import tables, visibility
from domain.communities.tables import CommunityRole, LegalForm, MemberKind
from domain.identity.viewers import Viewer, one_of


@entity(tables.Member, visible=visibility.members)
class Member(Node):
    """A legal person. Visible to itself and to administrators of communities it is or was in."""

    name: str = column(tables.Member.name, "Name of the person or body.")
    legal_form: LegalForm = column(tables.Member.legal_form, "What kind of person it is in law.")
    created_at: DateTime = column(tables.Member.created_at, "When it was first admitted anywhere.")
    memberships = many(
        "Membership", "Its memberships that the viewer may see, oldest first.", on=tables.Membership.member_id
    )


@entity(tables.Membership, visible=visibility.memberships)
class Membership(Node):
    """A member's time in a community. Visible to the member and to administrators of the community."""

    community = edge(
        tables.Membership.community_id,
        "Community",
        "The community; null where it is no longer for the viewer to see.",
        is_optional=True,
    )
    member = edge(tables.Membership.member_id, "Member", "The member.", is_optional=True)
    kind: MemberKind = column(tables.Membership.kind, "How it takes part.")
    valid_from: Date = column(tables.Membership.valid_from, "First day, local to the community.")
    valid_to: Date | None = column(tables.Membership.valid_to, "First day after the last one; null without end.")
    participations = many(
        "Participation", "Metering points it brings, past ones too.", on=tables.Participation.membership_id
    )
    roles: list[CommunityRole] = column(enums(tables.Membership.roles, CommunityRole), "What the member may do there.")


@entity(tables.Participation, visible=visibility.participations)
class Participation(Node):
    """The share of a metering point in a community for a time. Visible to the member and to administrators."""

    membership = edge(tables.Participation.membership_id, "Membership", "Who brings the point.", is_optional=True)
    metering_point = edge(
        tables.Participation.metering_point_id, "MeteringPoint", "The metering point.", is_optional=True
    )
    factor_ppm: Micro = column(
        tables.Participation.factor_ppm, "Share of its energy that counts here, above 0 and up to 1.", name="factor"
    )
    valid_from: Date = column(tables.Participation.valid_from, "First day, local to the community.")
    valid_to: Date | None = column(tables.Participation.valid_to, "First day after the last one; null without end.")


def _own(viewer: Viewer) -> ColumnElement[bool]:
    """One's own memberships, also for an administrator who may see all."""
    return one_of(tables.Membership.member_id, viewer.member_ids)


@strawberry.type
class MembershipViewer:
    memberships = many(
        "Membership", "Memberships of the members that the viewer signs in for, past ones too.", visible=_own
    )
