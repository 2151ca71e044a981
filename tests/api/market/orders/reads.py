"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import Reads

READS = Reads(kept=frozenset({"market_order.limit_price_ueur_per_kwh"}))
