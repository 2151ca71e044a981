"""Who may see messages, their deliveries and web hooks: whose they are, and not even administrators of the platform."""

from typing import Any

from sqlalchemy import ColumnElement, and_, false

from domain.identity.viewers import Viewer, is_viewer
from domain.notifications.tables import Delivery, Message, Webhook, WebhookFeed


def messages(viewer: Viewer) -> ColumnElement[bool]:
    """One's own messages that are shown in the app; an application needs the scope `read`."""
    return and_(_own(Message.user_id, viewer), Message.is_in_app)


def webhooks(viewer: Viewer) -> ColumnElement[bool]:
    """One's own web hooks that were not removed."""
    return and_(_own(Webhook.owner_id, viewer), Webhook.removed_at.is_(None))


def deliveries(viewer: Viewer) -> ColumnElement[bool]:
    """Deliveries of one's own messages, and tests of one's own web hooks."""
    return _own(Delivery.owner_id, viewer)


def feeds(viewer: Viewer) -> ColumnElement[bool]:
    """Feeds of one's own web hooks."""
    return _own(WebhookFeed.owner_id, viewer)


def _own(owner_id: Any, viewer: Viewer) -> ColumnElement[bool]:
    return is_viewer(owner_id, viewer) if viewer.may_read else false()
