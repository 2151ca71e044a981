"""A market in each zone, and a few rates of each."""

from tests.api.engine.declared import Tall

TALL = Tall(
    fixed={
        "market": 20,
        "market_charge": 400,  # A few rates of each market, with all that ever were.
    },
    values={
        "market_charge.valid_from": "timestamptz '2026-01-01Z' + n * interval '1 day'",
        "market_charge.community_id": "NULL",
        "market.zone_id": "pg_temp.key(n)",
        "market.batch_seconds": "5",
        "market.delivery_minutes": "15",
    },
)
