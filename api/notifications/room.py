"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.notifications.notifications import NotificationMutations, NotificationViewer
from api.notifications.preferences import PreferenceMutations, PreferenceViewer
from api.notifications.subscriptions import NotificationSubscriptions
from api.notifications.webhooks import (
    PRIVATE_ADDRESS,
    TOO_MANY_WEBHOOKS,
    WEBHOOK_DISABLED,
    WEBHOOK_URL_REFUSED,
    WebhookMutations,
    WebhookViewer,
)
from domain.notifications import words

ROOM = Room(
    mutations=(NotificationMutations, PreferenceMutations, WebhookMutations),
    viewer=(NotificationViewer, PreferenceViewer, WebhookViewer),
    subscriptions=(NotificationSubscriptions,),
    refusals=(WEBHOOK_URL_REFUSED, PRIVATE_ADDRESS, TOO_MANY_WEBHOOKS, WEBHOOK_DISABLED),
    jobs=(words.DELIVER_NOTIFICATIONS,),
    notices=(words.WEBHOOK_DISABLED,),
)
