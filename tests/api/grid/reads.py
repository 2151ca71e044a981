"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, MAYBE_NULL, Reads

READS = Reads(
    not_compiled={"GridAlert.isAutomatic": MAYBE_NULL, "MarketZone.load": IN_PYTHON},
    kept=frozenset(
        {
            "zone_capacity.power_w"  # Shown in micro-kW, too.
        }
    ),
)
