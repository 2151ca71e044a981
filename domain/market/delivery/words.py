"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, counted
from domain.jobs.tables import JobKind

SETTLE_DELIVERIES = JobKind("SETTLE_DELIVERIES", "Settles trades by what was metered.", lane="deliveries")
TRADE_SETTLED = NoticeKind(
    "TRADE_SETTLED",
    "Trades were settled by what was metered.",
    wording=Wording(
        ("Trades settled: {amount_ueur}", "Your trades were settled"),
        [
            (
                counted(
                    "{trades} trade in {zone} was settled by what was metered, delivery {delivery}.",
                    "{trades} trades in {zone} were settled by what was metered, delivery {delivery}.",
                    by="trades",
                ),
                counted(
                    "{trades} trade was settled by what was metered, delivery {delivery}.",
                    "{trades} trades were settled by what was metered, delivery {delivery}.",
                    by="trades",
                ),
                "A delivery was settled by what was metered.",
            ),
            (
                counted(
                    "{corrections} of them corrects an earlier settlement, and only the difference is told here.",
                    "{corrections} of them correct earlier settlements, and only the difference is told here.",
                    by="corrections",
                ),
                "",
            ),
            ("Delivered: {delivered_ukwh}; missing: {short_ukwh}.", "Delivered: {delivered_ukwh}.", ""),
            ("Amount with charges and VAT: {amount_ueur}.", ""),
        ],
    ),
    about=(("trade_id", "Trade"), ("market_id", "Market")),
)
CERTIFICATE = NoticeKind(
    "CERTIFICATE",
    "A certificate was issued or changed hands.",
    wording=Wording(
        ("New certificate: {energy_wh} of {source}", "A certificate was issued"),
        [
            (
                "You hold a new certificate of {energy_wh} of {source}, delivery {delivery}.",
                "You hold new certificates of {energy_wh} of renewable energy, delivery {delivery}.",
                "You hold new certificates of {energy_wh} of renewable energy.",
                "You hold a new certificate.",
            )
        ],
        names={
            "source": {
                "SOLAR": "solar energy",
                "WIND": "wind energy",
                "HYDRO": "hydropower",
                "BIOMASS": "energy from biomass",
            }
        },
    ),
    about=(("certificate_id", "Certificate"),),
)
