"""What a viewer may see of markets, orders and trades."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true

from domain.identity.keys import READ, TRADE
from domain.identity.viewers import Viewer, is_viewer
from domain.market import tables
from domain.market.auction_tables import AuctionBid
from domain.market.billing_tables import AccountStatement, StatementLine
from domain.market.delivery_tables import CertificateHolding, TradeDelivery
from domain.market.price_tables import PriceAlert

Visible: TypeAlias = Callable[[Viewer], ColumnElement[bool]]


def public(viewer: Viewer) -> ColumnElement[bool]:
    """Markets, clearings and prices: everybody, because a price that only some know is no market price."""
    return true()


def trades(viewer: Viewer) -> ColumnElement[bool]:
    """Everybody who signed in; who bought and who sold is seen through the orders alone."""
    return true() if takes_part(viewer) else false()


def own_trades(viewer: Viewer, party_id: Any) -> ColumnElement[bool]:
    """Trades in which the viewer is the party whose column is given, buyer or seller."""
    return and_(trades(viewer), is_viewer(party_id, viewer))


def orders(viewer: Viewer) -> ColumnElement[bool]:
    """One's own orders; administrators of the platform see all."""
    return true() if viewer.is_admin else own_orders(viewer)


def own_orders(viewer: Viewer) -> ColumnElement[bool]:
    """Orders that the viewer placed; an application needs the scope `read` or `trade`."""
    return is_viewer(tables.Order.owner_id, viewer) if takes_part(viewer) else false()


def deliveries(viewer: Viewer) -> ColumnElement[bool]:
    """Deliveries of trades that the viewer bought or sold; administrators of the platform see all."""
    if viewer.is_admin:
        return true()
    if not takes_part(viewer):
        return false()
    is_party = or_(is_viewer(tables.Trade.buyer_id, viewer), is_viewer(tables.Trade.seller_id, viewer))
    return exists().where(tables.Trade.id == TradeDelivery.trade_id, is_party)


def certificates(viewer: Viewer) -> ColumnElement[bool]:
    """What the viewer owns of certificates; administrators of the platform see all."""
    return true() if viewer.is_admin else own_certificates(viewer)


def own_certificates(viewer: Viewer) -> ColumnElement[bool]:
    """What the viewer owns of certificates, unless corrections left nothing of it."""
    if not takes_part(viewer):
        return false()
    return and_(is_viewer(CertificateHolding.owner_id, viewer), CertificateHolding.owned_wh > 0)


def bids(viewer: Viewer) -> ColumnElement[bool]:
    """Bids in auctions that the viewer placed; administrators of the platform see all."""
    own = is_viewer(AuctionBid.bidder_id, viewer) if takes_part(viewer) else false()
    return true() if viewer.is_admin else own


def statements(viewer: Viewer) -> ColumnElement[bool]:
    """One's own statements; administrators of the platform see all."""
    return true() if viewer.is_admin else own_statements(viewer)


def own_statements(viewer: Viewer) -> ColumnElement[bool]:
    """Statements of the viewer's own deliveries; an application needs the scope `read`."""
    return is_viewer(AccountStatement.user_id, viewer) if viewer.may_read else false()


def statement_lines(viewer: Viewer) -> ColumnElement[bool]:
    """Lines of statements that the viewer sees."""
    of_statement = select(AccountStatement.id).where(
        AccountStatement.id == StatementLine.statement_id, own_statements(viewer)
    )
    return true() if viewer.is_admin else of_statement.exists()


def own_price_alerts(viewer: Viewer) -> ColumnElement[bool]:
    """Price alerts that are the viewer's; nobody else's concern. An application needs the scope `read`."""
    return is_viewer(PriceAlert.owner_id, viewer) if viewer.may_read else false()


def of_rules(owner_id: Any) -> Visible:
    """Trading rules, their runs and simulations: their owner's, and for administrators of the platform all."""
    return lambda viewer: true() if viewer.is_admin else own_rules(owner_id)(viewer)


def own_rules(owner_id: Any) -> Visible:
    """Trading rules that the viewer made; an application needs the scope `read` or `trade`."""
    return lambda viewer: is_viewer(owner_id, viewer) if takes_part(viewer) else false()


def takes_part(viewer: Viewer) -> bool:
    """Whether this is a person, or an application that may read or trade; a meter gateway may neither."""
    return not viewer.is_anonymous and (viewer.api_key_id is None or not viewer.scopes.isdisjoint({READ, TRADE}))
