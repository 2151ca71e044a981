"""Fifty alerts of a user."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={"price_alert.times_fired": "0", "price_alert.last_fired_at": "NULL"}, below={"price_alert.owner_id": 50}
)
