"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording

ORDER_CLOSED = NoticeKind(
    "ORDER_CLOSED",
    "An order was closed by something else than its owner.",
    wording=Wording(
        ("Your order was closed: {status}", "Your order was closed"),
        [("Your order is now {status}.", "Your order was closed."), ("Reason: {reason}.", "")],
    ),
)
