"""What a viewer may see of trading rules."""

from typing import Any

from sqlalchemy import false, true

from domain.identity.viewers import is_viewer
from domain.market.places.visibility import Visible, takes_part


def of_rules(owner_id: Any) -> Visible:
    """Trading rules, their runs and simulations: their owner's, and for administrators of the platform all."""
    return lambda viewer: true() if viewer.is_admin else own_rules(owner_id)(viewer)


def own_rules(owner_id: Any) -> Visible:
    """Trading rules that the viewer made; an application needs the scope `read` or `trade`."""
    return lambda viewer: is_viewer(owner_id, viewer) if takes_part(viewer) else false()
