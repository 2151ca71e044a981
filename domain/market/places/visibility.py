"""What a viewer may see of markets, and who takes part in them."""

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import ColumnElement, true

from domain.identity.keys import READ, TRADE
from domain.identity.viewers import Viewer

Visible: TypeAlias = Callable[[Viewer], ColumnElement[bool]]


def public(viewer: Viewer) -> ColumnElement[bool]:
    """Markets, clearings and prices: everybody, because a price that only some know is no market price."""
    return true()


def takes_part(viewer: Viewer) -> bool:
    """Whether this is a person, or an application that may read or trade; a meter gateway may neither."""
    return not viewer.is_anonymous and (viewer.api_key_id is None or not viewer.scopes.isdisjoint({READ, TRADE}))
