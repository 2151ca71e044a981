"""Batches that gateways post: intervals or counter readings, put together into local days.

A batch is taken as a whole or not at all. A counter shows energy added up; what flowed in an interval is the difference
of the readings at its two ends, so readings follow each other at the length of one interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from domain.kernel.errors import DomainError
from domain.kernel.intervals import day_start, intervals_in_day
from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import SECONDS_PER_DAY, zone_table
from domain.metering.days import MISSING, VALUE_UKWH_MAX, ReadingDay, is_counter
from domain.metering.readings import FIRST_DAY
from domain.metering.tables import Direction, Quality

FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class BatchFault:
    """What is wrong with an entry; `field` names the member at fault."""

    index: int
    field: str
    reason: str


class BatchRefused(DomainError):
    """Entries have faults; nothing of the batch is taken. The first hundred faults are named."""

    def __init__(self, faults: Sequence[BatchFault]) -> None:
        first = faults[0]
        super().__init__(f"{len(faults)} faults; the first in entry {first.index}, {first.field}: {first.reason}")
        self.faults = tuple(faults[:FAULTS_MAX])
        self.count = len(faults)


@dataclass(frozen=True, slots=True)
class Entry:
    """Consecutive intervals of 15, 30 or 60 minutes of one metering point and direction, micro-kWh, from `start` on."""

    index: int
    metering_point_id: UUID
    timezone: str
    direction: Direction
    minutes: int
    quality: Quality
    start: datetime
    energy_ukwh: Sequence[int]


def differences(index: int, at: Sequence[datetime], counter_ukwh: Sequence[int], minutes: int) -> Sequence[int]:
    """Energy between consecutive readings of a counter. Raises BatchRefused."""
    step = timedelta(minutes=minutes)
    if len(at) < 2:
        raise BatchRefused([BatchFault(index, "register", "needs at least two readings")])
    for place in range(1, len(at)):
        if at[place] - at[place - 1] != step:
            reason = f"reading {place} is not {minutes} minutes after the one before"
            raise BatchRefused([BatchFault(index, "register", reason)])
        if counter_ukwh[place] < counter_ukwh[place - 1]:
            reason = f"reading {place} is lower than the one before"
            raise BatchRefused([BatchFault(index, "register", reason)])
    return [after - before for before, after in pairwise(counter_ukwh)]


def assemble(entries: Sequence[Entry], now: datetime) -> list[ReadingDay]:
    """Entries as days, with MISSING where they say nothing. Raises BatchRefused.

    An interval stands once, also where its value would be equal. Intervals end at most one interval after `now`.
    """
    faults: list[BatchFault] = []
    days: dict[tuple[UUID, Direction, date], ReadingDay] = {}
    for entry in entries:
        fault = _fault(entry, now) or _place(entry, days)
        if fault is not None:
            faults.append(fault)
    if faults:
        raise BatchRefused(faults)
    return list(days.values())


def _fault(entry: Entry, now: datetime) -> BatchFault | None:
    """The first thing that is wrong with an entry by itself."""
    if not FIRST_DAY.year <= entry.start.year <= now.year + 1:
        return BatchFault(entry.index, "start", f"lies before {FIRST_DAY} or in the future")
    step, energy = timedelta(minutes=entry.minutes), entry.energy_ukwh or [0]
    zone = ZoneInfo(entry.timezone)
    day = entry.start.astimezone(zone).date()
    rules = [
        (bool(entry.energy_ukwh), "values", "holds at least one value"),
        (min(energy) >= 0, "values", "energy is never negative; withdrawn and injected are kept apart"),
        (max(energy) <= VALUE_UKWH_MAX, "values", f"a value is above {VALUE_UKWH_MAX // 10**6} kWh"),
        (not _counts(entry), "values", "only grow, as a counter does: post its readings as register"),
        (day >= FIRST_DAY, "start", f"lies before {FIRST_DAY}"),
        (not (entry.start - day_start(day, zone)) % step, "start", f"is no boundary of {entry.minutes} minutes"),
        (entry.start + step * len(energy) <= now + step, "values", "reach into the future"),
    ]
    return next((BatchFault(entry.index, field, reason) for holds, field, reason in rules if not holds), None)


def _counts(entry: Entry) -> bool:
    """Whether what is given as energy are readings of a counter."""
    if not entry.energy_ukwh or not all(0 <= value <= VALUE_UKWH_MAX for value in entry.energy_ukwh):
        return False
    values = np.array(entry.energy_ukwh, np.int64)
    starts_s = int(entry.start.timestamp()) + np.arange(len(values)) * entry.minutes * 60
    return is_counter(values, zone_table(entry.timezone, starts_s).to_local(starts_s) // SECONDS_PER_DAY)


def _place(entry: Entry, days: dict[tuple[UUID, Direction, date], ReadingDay]) -> BatchFault | None:
    """Put values into their days; the fault where they contradict what is there."""
    zone, step = ZoneInfo(entry.timezone), timedelta(minutes=entry.minutes)
    values = np.array(entry.energy_ukwh, np.int64)
    at, done = entry.start, 0
    while done < len(values):
        day = at.astimezone(zone).date()
        size = intervals_in_day(day, zone, entry.minutes)
        key = entry.metering_point_id, entry.direction, day
        if key not in days:
            days[key] = ReadingDay(*key, entry.quality, np.full(size, MISSING, np.int64))
        if len(days[key].values_ukwh) != size or days[key].quality is not entry.quality:
            return BatchFault(entry.index, "start", f"{day} stands twice, in two resolutions or qualities")
        first = int((at - day_start(day, zone)) / step)
        count = min(size - first, len(values) - done)
        if not _put(days[key].values_ukwh[first : first + count], values[done : done + count]):
            return BatchFault(entry.index, "values", f"an interval of {day} stands twice")
        at, done = at + step * count, done + count
    return None


def _put(there: MicroKwh, arrives: MicroKwh) -> bool:
    """Fill a stretch of a day; False where it holds values already, which may be of another register."""
    if (there != MISSING).any():
        return False
    there[:] = arrives
    return True
