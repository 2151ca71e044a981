"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind

DELIVER_NOTIFICATIONS = JobKind("DELIVER_NOTIFICATIONS", "Delivers messages to people and web hooks.", lane="messages")
WEBHOOK_DISABLED = NoticeKind(
    "WEBHOOK_DISABLED",
    "Nothing is sent to a web hook any more.",
    wording=Wording(
        ("Your web hook at {host} was disabled", "A web hook was disabled"),
        [
            (
                when(
                    "Nothing is sent to {host} any more: it acknowledged nothing for three days.", reason="UNANSWERED"
                ),
                when("Nothing is sent to {host} any more: it answered that it is gone.", reason="GONE"),
                "Nothing is sent to one of your web hooks any more.",
            ),
            ("Register it anew with the cursor of the last trade you have seen, and no trade is lost.",),
        ],
    ),
    is_mailed=True,
    about=(("webhook_id", "Webhook"),),
)
