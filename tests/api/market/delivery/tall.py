"""A thousand certificates of an owner."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "trade_delivery.trade_id": "pg_temp.key(n)",
        "trade_delivery.version": "1",
        "certificate_holding.issue_id": "pg_temp.key(n)",
        "certificate_holding.owned_wh": "2",
        "certificate_holding.cancelled_wh": "1",
    },
    below={"certificate_holding.owner_id": 1_000},
)
