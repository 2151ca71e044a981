"""What a viewer may see of bids; auctions are public."""

from sqlalchemy import ColumnElement, false, true

from domain.identity.viewers import Viewer, is_viewer
from domain.market.auctions.tables import AuctionBid
from domain.market.places.visibility import takes_part


def bids(viewer: Viewer) -> ColumnElement[bool]:
    """Bids in auctions that the viewer placed; administrators of the platform see all."""
    own = is_viewer(AuctionBid.bidder_id, viewer) if takes_part(viewer) else false()
    return true() if viewer.is_admin else own
