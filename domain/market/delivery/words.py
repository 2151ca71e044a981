"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

SETTLE_DELIVERIES = JobKind("SETTLE_DELIVERIES", "Settles trades by what was metered.", lane="deliveries")
TRADE_SETTLED = NoticeKind(
    "TRADE_SETTLED",
    "Trades were settled by what was metered.",
    wording=Wording(
        ("Your trades were settled",),
        [
            (
                "Delivery that began at {delivery_start} was settled by what was metered.",
                "A delivery was settled by what was metered.",
            ),
            ("{trades} trades delivered {delivered_ukwh}.", "{delivered_ukwh} were delivered.", ""),
            ("Amount: {amount_ueur}.", ""),
        ],
    ),
)
CERTIFICATE = NoticeKind(
    "CERTIFICATE",
    "A certificate was issued or changed hands.",
    wording=Wording(
        ("A certificate was issued",),
        [("You hold a new certificate of {energy_wh} of renewable energy.", "You hold a new certificate.")],
    ),
)
