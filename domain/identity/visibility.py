"""What a viewer may see of users, sessions and keys."""

from sqlalchemy import ColumnElement, and_, false, func, true

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


def sessions(viewer: Viewer) -> ColumnElement[bool]:
    """One's own that can go on, each by its newest tokens; an application sees none."""
    if viewer.api_key_id is not None:
        return false()
    newest = tables.Session.rotated_at.is_(None), tables.Session.revoked_at.is_(None)
    return and_(is_viewer(tables.Session.user_id, viewer), *newest, tables.Session.refresh_expires_at > func.now())


def api_keys(viewer: Viewer) -> ColumnElement[bool]:
    """One's own keys; an application sees none, not even itself."""
    return false() if viewer.api_key_id is not None else is_viewer(tables.ApiKey.owner_id, viewer)
