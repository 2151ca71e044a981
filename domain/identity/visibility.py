"""What a viewer may see of users, sessions and keys."""

from sqlalchemy import ColumnElement, false, true

from domain.identity import tables
from domain.identity.viewers import Viewer, is_viewer


def users(viewer: Viewer) -> ColumnElement[bool]:
    """Oneself, also through an application that may read; administrators see everybody."""
    if viewer.is_admin:
        return true()
    return is_viewer(tables.User.id, viewer) if viewer.may_read else false()


def platform(viewer: Viewer) -> ColumnElement[bool]:
    """What concerns the platform as a whole: its administrators."""
    return true() if viewer.is_admin else false()


def api_keys(viewer: Viewer) -> ColumnElement[bool]:
    """One's own keys; an application sees none, not even itself."""
    return false() if viewer.api_key_id is not None else is_viewer(tables.ApiKey.owner_id, viewer)
