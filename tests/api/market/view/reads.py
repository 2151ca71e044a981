"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(not_compiled={"Market.view": IN_PYTHON, "MarketZone.analytics": IN_PYTHON})
