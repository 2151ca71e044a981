"""How the compiled path and random operations read this room."""

from domain.geography.tables import MarketZone, Municipality, SubstationArea
from tests.api.engine.declared import Reads

READS = Reads(
    kept=frozenset({"zone_link.cost_ueur_per_kwh"}),
    names=(Municipality.name, SubstationArea.name, MarketZone.name),
    codes=(Municipality.code, SubstationArea.code, MarketZone.code),
    choices={"simplifyMeters": (0, 1, 10, 10, 50, 100, 1_000, 1_000, 5_000, 20_000, 100_000, -1)},
)
