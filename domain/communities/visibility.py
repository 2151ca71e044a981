"""What a viewer may see of communities, their members and their metering points (invariant I5).

Listed communities are public. Whatever tells of a person is seen by that member, by the administrators of a community
the member is or was in, and by administrators of the platform. Readings are seen only for the days on which the point
took part, so that a former tenant or a community that was left learns nothing new.

Metering points stand here because participations do: `metering` does not know who stands behind a point.

Predicates use aliases of their own, so that they mean the same in statements that join the same tables.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import aliased

from domain.communities.tables import Asset, Community, Member, Membership, Participation
from domain.identity.viewers import Viewer, one_of
from domain.metering.tables import HeldReadings, MeteringPoint, Reading

_membership = aliased(Membership, name="seen_membership")
_participation = aliased(Participation, name="seen_participation")


def frameworks(viewer: Viewer) -> ColumnElement[bool]:
    """Rules are public."""
    return true()


def communities(viewer: Viewer) -> ColumnElement[bool]:
    """Listed ones are public; others are for their members and administrators."""
    if viewer.is_admin:
        return true()
    return or_(Community.is_listed, one_of(Community.id, viewer.community_ids | viewer.administered_ids))


def members(viewer: Viewer) -> ColumnElement[bool]:
    """Oneself; administrators see the members of their communities, past ones too."""
    if viewer.is_admin:
        return true()
    administered = exists(
        select(_membership.id).where(
            _membership.member_id == Member.id, one_of(_membership.community_id, viewer.administered_ids)
        )
    )
    return or_(one_of(Member.id, viewer.member_ids), administered if viewer.administered_ids else false())


def memberships(viewer: Viewer) -> ColumnElement[bool]:
    """One's own; administrators see those of their communities."""
    return _of_member_or_community(Membership, viewer)


def participations(viewer: Viewer) -> ColumnElement[bool]:
    """One's own; administrators see those of their communities."""
    return _of_member_or_community(Participation, viewer)


def metering_points(viewer: Viewer) -> ColumnElement[bool]:
    """Points that one takes or took part with, or that take or took part in a community one administers."""
    return _through_participation(MeteringPoint.id, viewer)


def readings(viewer: Viewer) -> ColumnElement[bool]:
    """Readings of such points, of the days on which they took part."""
    return _on_days_of_part(Reading, viewer)


def held_readings(viewer: Viewer) -> ColumnElement[bool]:
    """Readings that wait for a decision, as the readings themselves would be."""
    return _on_days_of_part(HeldReadings, viewer)


def assets(viewer: Viewer) -> ColumnElement[bool]:
    """Those behind points with which one takes part in their community today; administrators see all of theirs."""
    if viewer.is_admin:
        return true()
    own = exists(
        select(_participation.id).where(
            _participation.metering_point_id == Asset.metering_point_id,
            _participation.community_id == Asset.community_id,
            one_of(_participation.member_id, viewer.member_ids),
            or_(_participation.valid_to.is_(None), _participation.valid_to > func.current_date()),
        )
    )
    return or_(one_of(Asset.community_id, viewer.administered_ids), own if viewer.member_ids else false())


def _of_member_or_community(table: Any, viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    return or_(one_of(table.member_id, viewer.member_ids), one_of(table.community_id, viewer.administered_ids))


def _through_participation(point_id: Any, viewer: Viewer, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    if not (viewer.member_ids or viewer.administered_ids):
        return false()
    return exists(
        select(_participation.id).where(
            _participation.metering_point_id == point_id,
            _of_member_or_community(_participation, viewer),
            *conditions,
        )
    )


def _on_days_of_part(table: Any, viewer: Viewer) -> ColumnElement[bool]:
    in_force = and_(
        _participation.valid_from <= table.day,
        or_(_participation.valid_to.is_(None), _participation.valid_to > table.day),
    )
    return _through_participation(table.metering_point_id, viewer, in_force)
