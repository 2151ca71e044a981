"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

FORECAST_PRICES = JobKind(
    "FORECAST_PRICES", "Forecasts the prices of markets, and looks back at how good forecasts were."
)
PRICE_ALERT = NoticeKind(
    "PRICE_ALERT",
    "A price passed a threshold.",
    wording=Wording(
        ("The price is {direction} your threshold", "Price alert"),
        [
            (
                "The price is {price_ueur_per_kwh}, {direction} your threshold of {threshold_ueur_per_kwh}.",
                "The price is {price_ueur_per_kwh}.",
                "A price you watch passed your threshold.",
            )
        ],
    ),
    is_mailed=True,
)
