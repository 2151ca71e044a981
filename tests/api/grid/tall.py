"""One halt that stands in each zone."""

from tests.api.engine.declared import EVERYBODY, Tall

TALL = Tall(
    fixed={"zone_limit": 20},
    values={
        "zone_halt.lifted_at": "CASE WHEN n >= 20 THEN timestamptz '2026-01-01Z' END",  # One stands in each zone.
        "grid_alert.withdrawn_reason": "NULL",
    },
    walked={"Query.gridAlerts": EVERYBODY},
)
