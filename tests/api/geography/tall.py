"""Zones and areas, of which there are as many as the grid and the state have made."""

from tests.api.engine.declared import Tall

TALL = Tall(
    fixed={"market_zone": 20, "zone_link": 60, "municipality": 8_000, "substation_area": 2_000},
    values={
        "zone_link.from_zone_id": "pg_temp.key(n % 20)",
        "zone_link.to_zone_id": "pg_temp.key((n + 1 + n / 20) % 20)",
    },
)
