"""What a viewer may see of deliveries and certificates."""

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from domain.identity.viewers import Viewer, is_viewer
from domain.market.clearing.tables import Trade
from domain.market.delivery.tables import CertificateHolding, TradeDelivery
from domain.market.places.visibility import takes_part


def deliveries(viewer: Viewer) -> ColumnElement[bool]:
    """Deliveries of trades that the viewer bought or sold; administrators of the platform see all."""
    if viewer.is_admin:
        return true()
    if not takes_part(viewer):
        return false()
    is_party = or_(is_viewer(Trade.buyer_id, viewer), is_viewer(Trade.seller_id, viewer))
    return exists().where(Trade.id == TradeDelivery.trade_id, is_party)


def certificates(viewer: Viewer) -> ColumnElement[bool]:
    """What the viewer owns of certificates; administrators of the platform see all."""
    return true() if viewer.is_admin else own_certificates(viewer)


def own_certificates(viewer: Viewer) -> ColumnElement[bool]:
    """What the viewer owns of certificates, unless corrections left nothing of it."""
    if not takes_part(viewer):
        return false()
    return and_(is_viewer(CertificateHolding.owner_id, viewer), CertificateHolding.owned_wh > 0)
