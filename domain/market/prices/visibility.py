"""What a viewer may see of price alerts; prices are public."""

from sqlalchemy import ColumnElement, false

from domain.identity.viewers import Viewer, is_viewer
from domain.market.prices.tables import PriceAlert


def own_price_alerts(viewer: Viewer) -> ColumnElement[bool]:
    """Price alerts that are the viewer's; nobody else's concern. An application needs the scope `read`."""
    return is_viewer(PriceAlert.owner_id, viewer) if viewer.may_read else false()
