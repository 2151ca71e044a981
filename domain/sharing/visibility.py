"""Who may see keys and allocations."""

from sqlalchemy import ColumnElement, exists, false, func, or_, select, true
from sqlalchemy.orm import aliased

from domain.communities.tables import Community, Participation
from domain.identity.viewers import Viewer, one_of
from domain.sharing import tables

_participation = aliased(Participation, name="seen_participation")
_key = aliased(tables.SharingKey, name="seen_key")
_home = aliased(Community, name="seen_home")  # Participations count the local days of their community.


def sharing_keys(viewer: Viewer) -> ColumnElement[bool]:
    """Members and administrators of the community: the rule by which all of them share."""
    mine = viewer.community_ids | viewer.administered_ids
    return true() if viewer.is_admin else one_of(tables.SharingKey.community_id, mine)


def key_shares(viewer: Viewer) -> ColumnElement[bool]:
    """Of keys that held while one took part there with the point; administrators of the community see all."""
    if viewer.is_admin:
        return true()
    share, own = tables.KeyShare, _participation
    held = exists(
        select(own.id)
        .join(_key, _key.id == share.key_id)
        .join(_home, _home.id == share.community_id)
        .where(own.community_id == share.community_id, own.metering_point_id == share.metering_point_id)
        .where(one_of(own.member_id, viewer.member_ids))
        .where(or_(own.valid_to.is_(None), own.valid_to > func.date(func.timezone(_home.timezone, _key.valid_from))))
    )
    return or_(one_of(share.community_id, viewer.administered_ids), held if viewer.member_ids else false())


def allocation_runs(viewer: Viewer) -> ColumnElement[bool]:
    """Members and administrators of the community; `domain.aggregates` says which of the sums members are told."""
    mine = viewer.community_ids | viewer.administered_ids
    return true() if viewer.is_admin else one_of(tables.AllocationRun.community_id, mine)


def member_allocations(viewer: Viewer) -> ColumnElement[bool]:
    """One's own; administrators of the community see all."""
    return _own_or_administered(viewer, tables.MemberAllocation)


def own_allocations(viewer: Viewer) -> ColumnElement[bool]:
    """One's own alone."""
    return one_of(tables.MemberAllocation.member_id, viewer.member_ids) if viewer.may_read else false()


def differences(viewer: Viewer) -> ColumnElement[bool]:
    """Those of one's own points; administrators of the community see all."""
    return _own_or_administered(viewer, tables.AllocationDifference)


def _own_or_administered(
    viewer: Viewer, table: type[tables.MemberAllocation] | type[tables.AllocationDifference]
) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    return or_(one_of(table.community_id, viewer.administered_ids), one_of(table.member_id, viewer.member_ids))
