"""What a viewer may see of users, sessions and keys."""

from sqlalchemy import ColumnElement, false, true

from domain.identity import tables
from domain.identity.viewers import Viewer


def users(viewer: Viewer) -> ColumnElement[bool]:
    """Oneself; administrators see everybody."""
    if viewer.is_admin:
        return true()
    return tables.User.id == viewer.user_id if viewer.user_id else false()


def api_keys(viewer: Viewer) -> ColumnElement[bool]:
    """One's own keys; an application sees none, not even itself."""
    if viewer.api_key_id is not None or viewer.user_id is None:
        return false()
    return tables.ApiKey.owner_id == viewer.user_id
