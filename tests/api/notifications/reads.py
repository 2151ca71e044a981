"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={"WebhookFeed.cursor": IN_PYTHON, "Notification.subject": IN_PYTHON, "Notification.link": IN_PYTHON},
    kept=frozenset({"message.is_in_app", "webhook.kinds", "webhook.removed_at"}),
)
