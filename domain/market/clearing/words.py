"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind
from domain.market.orders.words import THE_ORDER

CLEAR_MARKET = JobKind("CLEAR_MARKET", "Clears the open orders of linked markets.", lane="short")
ORDER_FILLED = NoticeKind(
    "ORDER_FILLED",
    "An order was filled, in part or whole.",
    wording=Wording(
        (
            when("Bought: {energy_ukwh} in {zone}", side="BUY"),
            when("Sold: {energy_ukwh} in {zone}", side="SELL"),
            "Your order was filled",
        ),
        [
            (
                when("You bought {energy_ukwh} at {price_ueur_per_kwh}, delivery {delivery}.", side="BUY"),
                when("You sold {energy_ukwh} at {price_ueur_per_kwh}, delivery {delivery}.", side="SELL"),
                "Of your order {energy_ukwh} went at {price_ueur_per_kwh}.",
                "Your order was filled, in part or whole.",
            ),
            ("Amount before charges: {amount_ueur}.", ""),
            THE_ORDER,
        ],
    ),
    about=(("order_id", "Order"),),
)
