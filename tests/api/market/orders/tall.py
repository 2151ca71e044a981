"""Five hundred orders of a trader."""

from domain.market.orders.tables import OrderInterval
from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "market_order.energy_ukwh": "1000",
        "market_order.limit_price_ueur_per_kwh": "100",
        "market_order.minimum_fill_ukwh": "0",
    },
    below={"market_order.owner_id": 500, "market_order.rule_id": 500},
    touched=(OrderInterval,),
)
