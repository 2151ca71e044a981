"""Points that withdraw, and readings held of them that wait."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "metering_point.directions": "'{WITHDRAWN}'",
        "held_readings.reasons": "'{WORSE_QUALITY}'",
        "held_readings.values_ukwh": "'{}'",
        "held_readings.decision": "NULL",
        "held_readings.decided_by": "NULL",
    }
)
