"""What a viewer may see of money: one's own, also through an application that may read; administrators see all."""

from typing import Any

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import aliased

from domain.identity.tables import User
from domain.identity.viewers import Viewer, is_viewer
from domain.ledger.tables import Account, Entry, Payment, Transfer

_touched = aliased(Entry, name="touched_entry")  # Of its own, so that it means the same in statements over entries.


def wallets(viewer: Viewer) -> ColumnElement[bool]:
    """One's own wallet."""
    return _own(User.id, viewer)


def accounts(viewer: Viewer) -> ColumnElement[bool]:
    """One's own accounts."""
    return _own(Account.owner_id, viewer)


def entries(viewer: Viewer) -> ColumnElement[bool]:
    """Entries of one's own accounts."""
    return _own(Entry.holder_id, viewer)


def transfers(viewer: Viewer) -> ColumnElement[bool]:
    """Transfers that touch one's own accounts; the other entries of them stay hidden."""
    if viewer.is_admin:
        return true()
    return select(_touched.id).where(_touched.transfer_id == Transfer.id, _own(_touched.holder_id, viewer)).exists()


def payments(viewer: Viewer) -> ColumnElement[bool]:
    """One's own payments."""
    return _own(Payment.owner_id, viewer)


def accounts_of_no_user(viewer: Viewer) -> ColumnElement[bool]:
    """Accounts of markets, communities and the platform: for administrators."""
    return Account.owner_id.is_(None) if viewer.is_admin else false()


def _own(owner_id: Any, viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    return is_viewer(owner_id, viewer) if viewer.may_read else false()
