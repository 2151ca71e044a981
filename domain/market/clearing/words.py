"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

CLEAR_MARKET = JobKind("CLEAR_MARKET", "Clears the open orders of linked markets.", lane="short")
ORDER_FILLED = NoticeKind(
    "ORDER_FILLED",
    "An order was filled, in part or whole.",
    wording=Wording(
        ("Your order was filled",),
        [
            (
                "{energy_ukwh} of your order were traded at {price_ueur_per_kwh}.",
                "{energy_ukwh} of your order were traded.",
                "Your order was filled.",
            )
        ],
    ),
)
