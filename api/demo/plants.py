"""Plants of the demo that run around the clock: what their meters count, steady and by formula.

share(t) = mean + swing x (2/3 sin(2 pi t / 31 h + phase) + 1/3 sin(2 pi t / 7.3 h + 2 phase)), of the power, 0 to 1.
The phase is a hash of the meter's code; whole watt-hours, as meters report them.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from domain.communities.tables import AssetKind
from domain.kernel.intervals import day_start
from domain.kernel.quantities import UKWH_PER_WH
from domain.market.places.tables import EnergySource
from domain.metering.simulation import SimulatedDay

SLOT_S = 900
SLOTS_PER_HOUR = 4
LONG_S, SHORT_S = 31 * 3_600, 7.3 * 3_600
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant that has no load behind its meter: its power, and how much of it is given on the average."""

    kind: AssetKind
    source: EnergySource
    power_kw: float
    mean: float
    swing: float

    @property
    def power_w(self) -> int:
        return round(self.power_kw * 1_000)


def metered(code: str, plant: Plant, timezone: str, first_day: date, days: int) -> Iterator[SimulatedDay]:
    """What the plant's meter counts on local days, micro-kWh."""
    zone, phase = ZoneInfo(timezone), _phase(code)
    for number in range(days):
        day = first_day + number * ONE_DAY
        start, end = (day_start(each, zone).timestamp() for each in (day, day + ONE_DAY))
        at_s = np.arange(start, end, SLOT_S)
        waves = np.sin(2 * math.pi * at_s / LONG_S + phase) * 2 + np.sin(2 * math.pi * at_s / SHORT_S + 2 * phase)
        share = np.clip(plant.mean + plant.swing * waves / 3, 0, 1)
        injected_wh = np.floor(share * plant.power_w / SLOTS_PER_HOUR).astype(np.int64)
        yield SimulatedDay(day, injected_wh * UKWH_PER_WH, np.zeros_like(injected_wh))


def _phase(code: str) -> float:
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:4]) / 2**32 * 2 * math.pi
