"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind

FORECAST_PRICES = JobKind(
    "FORECAST_PRICES", "Forecasts the prices of markets, and looks back at how good forecasts were."
)
PRICE_ALERT = NoticeKind(
    "PRICE_ALERT",
    "A price passed a threshold.",
    wording=Wording(
        (
            when("The price in {zone} is at or above your threshold: {price_ueur_per_kwh}", direction="ABOVE"),
            when("The price in {zone} is at or below your threshold: {price_ueur_per_kwh}", direction="BELOW"),
            "Price alert",
        ),
        [
            (
                when(
                    "Energy in {zone} now costs {price_ueur_per_kwh}, at or above your threshold of "
                    "{threshold_ueur_per_kwh}; delivery {delivery}.",
                    direction="ABOVE",
                ),
                when(
                    "Energy in {zone} now costs {price_ueur_per_kwh}, at or below your threshold of "
                    "{threshold_ueur_per_kwh}; delivery {delivery}.",
                    direction="BELOW",
                ),
                "The price is {price_ueur_per_kwh}.",
                "A price you watch passed your threshold.",
            )
        ],
    ),
    is_mailed=True,
    about=(("alert_id", "PriceAlert"),),
)
