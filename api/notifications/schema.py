"""What this context adds to the schema."""

import strawberry

from api.notifications.notifications import NotificationMutations, NotificationViewer
from api.notifications.preferences import PreferenceMutations, PreferenceViewer
from api.notifications.subscriptions import NotificationSubscriptions
from api.notifications.webhooks import WebhookMutations, WebhookViewer


@strawberry.type
class NotificationsMutations(NotificationMutations, PreferenceMutations, WebhookMutations):
    pass


@strawberry.type
class NotificationsViewer(NotificationViewer, PreferenceViewer, WebhookViewer):
    pass


@strawberry.type
class NotificationsSubscriptions(NotificationSubscriptions):
    pass
