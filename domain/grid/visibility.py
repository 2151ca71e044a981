"""What a viewer may see of a zone's operation."""

from sqlalchemy import ColumnElement, and_, or_, true

from domain.grid.tables import ZoneLoad
from domain.identity.viewers import Viewer, one_of


def public(viewer: Viewer) -> ColumnElement[bool]:
    """Halts, limits, capacities and alerts: everybody, because all who trade or live in a zone are bound by them."""
    return true()


def operated(viewer: Viewer) -> ColumnElement[bool]:
    """Loads of zones that the viewer operates; administrators of the platform see all."""
    return true() if viewer.is_admin else one_of(ZoneLoad.zone_id, viewer.operated_zone_ids)


def loads(viewer: Viewer) -> ColumnElement[bool]:
    """Loads of which nothing is withheld from the viewer: operated ones, and those that tell of nobody.

    What only trades tell of is public.
    """
    told = and_(ZoneLoad.injected_withheld.is_(None), ZoneLoad.withdrawn_withheld.is_(None))
    return true() if viewer.is_admin else or_(told, operated(viewer))
