"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

DELIVER_NOTIFICATIONS = JobKind("DELIVER_NOTIFICATIONS", "Delivers messages to people and web hooks.", lane="messages")
WEBHOOK_DISABLED = NoticeKind(
    "WEBHOOK_DISABLED",
    "Nothing is sent to a web hook any more.",
    wording=Wording(
        ("A web hook was disabled",),
        [
            ("Nothing is sent to {host} any more: {reason}.", "Nothing is sent to one of your web hooks any more."),
            ("Register it anew with the cursor of the last trade you have seen, and no trade is lost.",),
        ],
    ),
    is_mailed=True,
)
