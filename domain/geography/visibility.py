"""What a viewer may see of areas: all of it, signed in or not. Boundaries, names and populations are published."""

from sqlalchemy import ColumnElement, true

from domain.identity.viewers import Viewer


def areas(viewer: Viewer) -> ColumnElement[bool]:
    """Everybody sees every municipality, substation area and market zone."""
    return true()
