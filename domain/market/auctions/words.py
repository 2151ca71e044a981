"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when

AUCTION = NoticeKind(
    "AUCTION",
    "An auction went on.",
    wording=Wording(
        (
            when("Bought at auction in {zone}: {energy_ukwh}", what="BID", side="BUY"),
            when("Sold at auction in {zone}: {energy_ukwh}", what="BID", side="SELL"),
            when("Your auction in {zone} is sold out", what="SOLD"),
            when("Your auction in {zone} has ended", what="ENDED"),
            when("Your auction in {zone} was cancelled", what="CANCELLED"),
            "News of an auction",
        ),
        [
            (
                when(
                    "You bought {energy_ukwh} at {price_ueur_per_kwh} at auction, delivery {delivery}.",
                    what="BID",
                    side="BUY",
                ),
                when(
                    "You sold {energy_ukwh} at {price_ueur_per_kwh} at auction, delivery {delivery}.",
                    what="BID",
                    side="SELL",
                ),
                when("All that your auction offered was sold: {energy_ukwh}, delivery {delivery}.", what="SOLD"),
                when("Your auction has ended; nothing was sold, delivery {delivery}.", what="ENDED", energy_ukwh=0),
                when("Your auction has ended; sold: {energy_ukwh}, delivery {delivery}.", what="ENDED"),
                when(
                    "Your auction was cancelled; nothing was sold, delivery {delivery}.",
                    what="CANCELLED",
                    energy_ukwh=0,
                ),
                when("Your auction was cancelled; sold: {energy_ukwh}, delivery {delivery}.", what="CANCELLED"),
                "There is news of an auction you take part in.",
            ),
            ("Amount before charges: {amount_ueur}.", ""),
        ],
    ),
    about=(("auction_id", "DutchAuction"),),
)
