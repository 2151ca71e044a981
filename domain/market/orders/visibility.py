"""What a viewer may see of orders."""

from sqlalchemy import ColumnElement, false, true

from domain.identity.viewers import Viewer, is_viewer
from domain.market.orders.tables import Order
from domain.market.places.visibility import takes_part


def orders(viewer: Viewer) -> ColumnElement[bool]:
    """One's own orders; administrators of the platform see all."""
    return true() if viewer.is_admin else own_orders(viewer)


def own_orders(viewer: Viewer) -> ColumnElement[bool]:
    """Orders that the viewer placed; an application needs the scope `read` or `trade`."""
    return is_viewer(Order.owner_id, viewer) if takes_part(viewer) else false()
