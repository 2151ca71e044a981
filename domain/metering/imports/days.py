"""Instants to whole local days: duplicates, gaps, and days of 92, 96 or 100 quarter-hours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import MicroKwh, format_micro
from domain.metering.clocks import SECONDS_PER_DAY, Seconds, ZoneTable, calendar_day
from domain.metering.days import is_counter
from domain.metering.imports.cells import Cells, Mask, Positions, ascii_excerpt
from domain.metering.imports.formats import Gaps
from domain.metering.imports.report import FaultCode, FaultLog, PointSeries, ReadingDay, SkippedDays
from domain.metering.tables import Direction, Quality

_STEPS_S = (300, 600, 900, 1800, 3600)  # The steps that meters report in.
_MIXED_RUN = 3  # This many equal, wider steps on end are another resolution rather than gaps.
QUALITIES = tuple(Quality)  # Best first, so the worst of a day is the largest number.


@dataclass(frozen=True, slots=True)
class Strand:
    """The values of one point and direction as they stand in the file, each with the start of its interval."""

    point_code: str
    direction: Direction
    column: str
    starts_s: Seconds
    rows: Positions
    ukwh: MicroKwh
    quality: npt.NDArray[np.int64] | None

    def take(self, chosen: Mask | Positions) -> "Strand":
        """The values chosen, by mask or in another order."""
        quality = None if self.quality is None else self.quality[chosen]
        rows, ukwh = self.rows[chosen], self.ukwh[chosen]
        return Strand(self.point_code, self.direction, self.column, self.starts_s[chosen], rows, ukwh, quality)

    @property
    def name(self) -> str:
        """How a report calls it."""
        return f"{ascii_excerpt(self.point_code)} {self.direction.lower()}"


@dataclass(slots=True)
class Assembly:
    """How strands become days, and what was met on the way."""

    zone: ZoneTable
    cells: Cells
    step_s: int
    gaps: Gaps
    quality: Quality
    faults: FaultLog
    rows_intact: bool  # Otherwise intervals are missing because their rows have faults.
    duplicates: int = 0
    skipped: list[SkippedDays] = field(default_factory=list)

    def series(self, strand: Strand) -> PointSeries:
        """The whole days of a strand. Duplicates and gaps go to the fault log, or the days to `skipped`."""
        strand = self._without_duplicates(_in_time_order(strand))
        self._refuse_counter(strand)
        local_days, firsts = np.unique(self.zone.to_local(strand.starts_s) // SECONDS_PER_DAY, return_index=True)
        counts = np.diff(np.append(firsts, len(strand.rows)))
        lengths = (self.zone.day_starts(local_days + 1) - self.zone.day_starts(local_days)) // self.step_s
        whole = counts == lengths
        if not (whole.all() and (np.diff(local_days) == 1).all()):
            self._report_gaps(strand, local_days, lengths - counts)
        return PointSeries(strand.point_code, strand.direction, tuple(self._days(strand, local_days, firsts, whole)))

    def _days(self, strand: Strand, local_days: Positions, firsts: Positions, whole: Mask) -> Iterator[ReadingDay]:
        ends = np.append(firsts[1:], len(strand.rows))
        worst = None if strand.quality is None else np.maximum.reduceat(strand.quality, firsts)
        for index in np.flatnonzero(whole).tolist():
            quality = self.quality if worst is None else QUALITIES[int(worst[index])]
            yield ReadingDay(calendar_day(int(local_days[index])), strand.ukwh[firsts[index] : ends[index]], quality)

    def _without_duplicates(self, strand: Strand) -> Strand:
        """The strand without rows that stand again; other rows for an interval are refused, with equal values too.

        They may be a second register of the same direction, whose energy is to be added and not left out.
        """
        again = np.flatnonzero(np.diff(strand.starts_s, prepend=-1) == 0)
        if not again.size:
            return strand
        differs = ~self.cells.alike(strand.rows[again], strand.rows[again - 1])
        at = again[differs]
        reasons = (f"{strand.name}: {_again(strand, index)} row {strand.rows[index - 1]}" for index in at)
        self.faults.add_rows(FaultCode.DUPLICATE, strand.rows[at], strand.column, reasons)
        self.duplicates += len(again) - len(at)
        return strand.take(np.delete(np.arange(len(strand.rows)), again))

    def _refuse_counter(self, strand: Strand) -> None:
        """Report a strand that only ever grows: readings of a counter, of which the energy is the differences."""
        local_days = self.zone.to_local(strand.starts_s) // SECONDS_PER_DAY
        if is_counter(strand.ukwh, local_days):
            first, last = (format_micro(int(strand.ukwh[end])) for end in (0, -1))
            reason = f"{strand.name}: grows from {first} to {last} kWh and never falls: a counter, not energy"
            self.faults.add(FaultCode.COUNTER_READINGS, reason, int(strand.rows[0]), strand.column)

    def _report_gaps(self, strand: Strand, local_days: Positions, missing: Positions) -> None:
        mixed = self._report_mixed_resolution(strand)
        if self.gaps is Gaps.SKIP_DAYS:
            self.skipped += _skipped(strand, self.zone, self.step_s, local_days, missing)
            return
        if not self.rows_intact:
            return
        edges = self.zone.day_starts(np.array([local_days[0], local_days[-1] + 1]))
        padded = np.concatenate((edges[:1] - self.step_s, strand.starts_s, edges[1:]))
        rows = np.concatenate((strand.rows[:1], strand.rows))
        wide = (np.diff(padded) > self.step_s) & ~mixed
        reasons = (
            f"{strand.name}: no value from {_iso(start + self.step_s)} to {_iso(end)}"
            for start, end in zip(padded[:-1][wide].tolist(), padded[1:][wide].tolist(), strict=True)
        )
        self.faults.add_rows(FaultCode.GAP, rows[wide], strand.column, reasons)

    def _report_mixed_resolution(self, strand: Strand) -> Mask:
        """Report stretches that run at a wider step; true for each step of such a stretch (see `_report_gaps`)."""
        steps = np.diff(strand.starts_s)
        fresh = np.ones(len(steps), np.bool_)
        fresh[1:] = np.diff(steps) != 0
        run = np.cumsum(fresh) - 1
        is_mixed = (steps > self.step_s) & np.isin(steps, _STEPS_S) & (np.bincount(run) >= _MIXED_RUN)[run]
        first = np.flatnonzero(fresh & is_mixed)
        reasons = (f"{strand.name}: from here on every {steps[index] // 60} minutes" for index in first)
        self.faults.add_rows(FaultCode.MIXED_RESOLUTION, strand.rows[first], strand.column, reasons)
        mixed: Mask = np.concatenate(([False], is_mixed, [False]))
        return mixed


def _again(strand: Strand, index: int) -> str:
    if strand.ukwh[index] != strand.ukwh[index - 1]:
        return "another value for the interval of"
    return "another row, of another register perhaps, for the interval of"


def check_grid(
    starts_s: Seconds,
    series: Positions,
    rows: Positions,
    column: str,
    zone: ZoneTable,
    step_s: int,
    faults: FaultLog,
) -> Mask:
    """Which starts lie on whole intervals of their local day; the others are reported."""
    days = zone.to_local(starts_s) // SECONDS_PER_DAY
    off: Mask = (starts_s - zone.day_starts(days)) % step_s != 0
    if not off.any():
        return ~off
    order = np.lexsort((starts_s, series))
    step_before = np.empty(len(order), np.int64)
    step_before[order] = np.diff(starts_s[order], prepend=0)
    finer = off & (starts_s % _STEPS_S[0] == 0) & np.isin(step_before, [step for step in _STEPS_S if step < step_s])
    for code, mask, what in (
        (FaultCode.MIXED_RESOLUTION, finer, "a finer step than"),
        (FaultCode.OFF_GRID_TIME, off & ~finer, "not on a multiple of"),
    ):
        reasons = (f"the interval from {_iso(int(start))} is {what} {step_s // 60} minutes" for start in starts_s[mask])
        faults.add_rows(code, rows[mask], column, reasons)
    return ~off


def _in_time_order(strand: Strand) -> Strand:
    if (np.diff(strand.starts_s) >= 0).all():
        return strand
    return strand.take(np.argsort(strand.starts_s, kind="stable"))


def _skipped(
    strand: Strand, zone: ZoneTable, step_s: int, local_days: Positions, missing: Positions
) -> Iterator[SkippedDays]:
    """Days in part, and spans of whole days, without values; in order."""
    found = [(int(day), int(day), int(missing[index])) for index, day in enumerate(local_days) if missing[index]]
    for index in np.flatnonzero(np.diff(local_days) > 1):
        first, last = int(local_days[index]) + 1, int(local_days[index + 1]) - 1
        starts = zone.day_starts(np.array([first, last + 1]))
        found.append((first, last, int(starts[1] - starts[0]) // step_s))
    for first, last, count in sorted(found):
        yield SkippedDays(strand.point_code, strand.direction, calendar_day(first), calendar_day(last), count)


def _iso(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
