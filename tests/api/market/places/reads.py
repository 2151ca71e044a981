"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import Reads

READS = Reads(kept=frozenset({"market.delivery_minutes"}))
