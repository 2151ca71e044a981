"""What a viewer may see of a zone's operation."""

from sqlalchemy import ColumnElement, and_, or_, true

from domain.grid.tables import ZoneLoad
from domain.identity.viewers import Viewer, one_of

FEWEST = 5  # Members and metering points of an aggregate; fewer would tell of one of them (invariant I5).


def public(viewer: Viewer) -> ColumnElement[bool]:
    """Halts, limits, capacities and alerts: everybody, because all who trade or live in a zone are bound by them."""
    return true()


def loads(viewer: Viewer) -> ColumnElement[bool]:
    """Loads that were metered of at least five members' points, and those that only trades tell of, which are public.

    The zone's operator and administrators of the platform see all.
    """
    if viewer.is_admin:
        return true()
    many = and_(ZoneLoad.points_count >= FEWEST, ZoneLoad.members_count >= FEWEST)
    return or_(many, ZoneLoad.injected_ukwh.is_(None), one_of(ZoneLoad.zone_id, viewer.operated_zone_ids))
