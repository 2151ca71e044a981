"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={"MeteringPoint.readings": IN_PYTHON},
    kept=frozenset(
        {
            "metering_point.timezone",
            "metering_point.directions",
            "metering_point.connection_power_w",
            "held_readings.reasons",
            "held_readings.decided_by",
        }
    ),
    seldom=frozenset({"MeteringPoint.readings"}),
)
