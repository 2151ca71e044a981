"""What somebody is told is for them alone; not even administrators of the platform see it."""

from tests.api.authorization.decisions import (
    SILENT,
    TOLD,
    UNAUTHENTICATED,
    Followed,
    Given,
    WhoSees,
    leads_to_nothing_hidden,
)
from tests.api.authorization.people import ADA, BOB, Seen

OWN: Seen = {"ada's": ADA, "bob's": BOB}


def told_of_own(role: str, is_seen: bool) -> str:
    """Everybody follows a stream of their own, and no other can be named; those of Ada and Bob hold something."""
    if role in {"partner that trades", "meter gateway"}:
        return "FORBIDDEN"
    return UNAUTHENTICATED if role == "nobody" else TOLD if role in ADA | BOB else SILENT


WHO_SEES = WhoSees(
    expected={"Notification": OWN, "NotificationDelivery": OWN, "Webhook": OWN, "WebhookFeed": OWN},
    not_even_root=frozenset({"Notification", "NotificationDelivery", "Webhook", "WebhookFeed"}),
    computed={
        "NotificationEvent.notification": leads_to_nothing_hidden,  # Of the stream of who follows it.
        "Notification.subject": lambda row: ("Payment", "ada's"),  # Bob's, too, which is not his to see.
    },
    reviewed=frozenset({"WebhookFeed.cursor", "Notification.link"}),
    filters={
        ("Viewer.notifications", "isUnread"): (lambda id_of: "true", {"ada's", "bob's"}),
        ("Viewer.notifications", "kind"): (lambda id_of: "PAYMENT", {"ada's", "bob's"}),
    },
    subscriptions={
        "notifications": Followed(
            "Notification",
            lambda id, start_of: 'subscription { notifications(after: "") { notification { id } } }',
            told_of_own,
        )
    },
    mutations={
        "markNotificationsRead": Given(lambda id: {"ids": [id("Notification")]}, {"Notification": "ada's"}),
        "setNotificationPreference": Given(),
        "setQuietHours": Given(),
        "registerWebhook": Given(),
        "rotateWebhookSecret": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
        "removeWebhook": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
        "testWebhook": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
    },
)
