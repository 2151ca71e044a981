"""What a viewer may see of trades; clearings are public."""

from typing import Any

from sqlalchemy import ColumnElement, and_, false, true

from domain.identity.viewers import Viewer, is_viewer
from domain.market.places.visibility import takes_part


def trades(viewer: Viewer) -> ColumnElement[bool]:
    """Everybody who signed in; who bought and who sold is seen through the orders alone."""
    return true() if takes_part(viewer) else false()


def own_trades(viewer: Viewer, party_id: Any) -> ColumnElement[bool]:
    """Trades in which the viewer is the party whose column is given, buyer or seller."""
    return and_(trades(viewer), is_viewer(party_id, viewer))
