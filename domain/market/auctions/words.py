"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording

AUCTION = NoticeKind(
    "AUCTION",
    "An auction went on.",
    wording=Wording(
        ("News of an auction",),
        [
            ("Auction: {what}.", "There is news of an auction you take part in."),
            ("{energy_ukwh} at {price_ueur_per_kwh}.", "Energy: {energy_ukwh}.", ""),
        ],
    ),
)
