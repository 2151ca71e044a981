"""What comes of a meter file: readings with a report, or a refusal with the faults."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from domain.kernel.errors import DomainError
from domain.kernel.intervals import Resolution
from domain.kernel.quantities import MicroKwh
from domain.metering.tables import Direction, Quality


class FaultCode(StrEnum):
    """Why a file is refused."""

    NOT_A_NUMBER = "NOT_A_NUMBER"
    NEGATIVE = "NEGATIVE"
    VALUE_TOO_LARGE = "VALUE_TOO_LARGE"
    EMPTY_CELL = "EMPTY_CELL"
    FORMULA = "FORMULA"
    CELL_TOO_LONG = "CELL_TOO_LONG"
    CONTROL_CHARACTER = "CONTROL_CHARACTER"
    NOT_A_TIME = "NOT_A_TIME"
    UNKNOWN_TIME = "UNKNOWN_TIME"
    AMBIGUOUS_TIME = "AMBIGUOUS_TIME"
    OFF_GRID_TIME = "OFF_GRID_TIME"
    MIXED_RESOLUTION = "MIXED_RESOLUTION"
    DUPLICATE = "DUPLICATE"
    COUNTER_READINGS = "COUNTER_READINGS"
    GAP = "GAP"
    UNKNOWN_DIRECTION = "UNKNOWN_DIRECTION"
    UNKNOWN_QUALITY = "UNKNOWN_QUALITY"
    MISSING_COLUMN = "MISSING_COLUMN"
    REPEATED_COLUMN = "REPEATED_COLUMN"
    WRONG_CELL_COUNT = "WRONG_CELL_COUNT"
    BAD_ENCODING = "BAD_ENCODING"
    BAD_FILE = "BAD_FILE"
    TOO_LARGE = "TOO_LARGE"
    NO_READINGS = "NO_READINGS"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `row` is the line or sheet row counted from 1, `column` its header; None where the whole is meant."""

    code: FaultCode
    row: int | None
    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class SkippedDays:
    """Local days, both ends included, left out because intervals are missing."""

    point_code: str
    direction: Direction
    first_day: date
    last_day: date
    missing_intervals: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was read. `faults` is capped and in file order; `fault_count` counts all.

    `rows` read, `values` stored, `duplicates` dropped because identical, `rounded` values finer than a micro-kWh.
    """

    rows: int = 0
    values: int = 0
    duplicates: int = 0
    rounded: int = 0
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    skipped: tuple[SkippedDays, ...] = ()


class ImportRefused(DomainError):
    """The file has faults; nothing of it is taken."""

    def __init__(self, report: ImportReport) -> None:
        first = report.faults[0]
        places = [f"{name} {at}" for name, at in (("row", first.row), ("column", first.column)) if at is not None]
        where = f" at {', '.join(places)}" if places else ""
        many = f"The file has {report.fault_count} faults; the first"
        super().__init__(f"{many if report.fault_count > 1 else 'The file has a fault'}{where}: {first.reason}.")
        self.report = report


@dataclass(frozen=True, slots=True)
class ReadingDay:
    """One local day; micro-kWh per interval, shape (92, 96 or 100; 46, 48, 50; 23, 24, 25)."""

    day: date
    energy_ukwh: MicroKwh
    quality: Quality


@dataclass(frozen=True, slots=True)
class PointSeries:
    """The days of one metering point and direction, in order."""

    point_code: str
    direction: Direction
    days: tuple[ReadingDay, ...]


@dataclass(frozen=True, slots=True)
class ImportedReadings:
    """A file that was accepted; series by point code and direction."""

    resolution: Resolution
    timezone: str
    series: tuple[PointSeries, ...]
    report: ImportReport


@dataclass(slots=True)
class FaultLog:
    """Gathers faults while a file is read; keeps the first `kept_max` in file order and counts all."""

    kept_max: int
    kept: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, code: FaultCode, reason: str, row: int | None = None, column: str | None = None) -> None:
        """Record one fault."""
        self.count += 1
        self._keep([Fault(code, row, column, reason)])

    def add_rows(self, code: FaultCode, rows: npt.NDArray[np.int64], column: str, reasons: Iterable[str]) -> None:
        """Record one fault per row; reasons are taken only for the faults that are kept."""
        self.count += len(rows)
        kept = zip(rows[: self.kept_max].tolist(), reasons, strict=False)
        self._keep([Fault(code, row, column, reason) for row, reason in kept])

    def _keep(self, faults: list[Fault]) -> None:
        self.kept += faults
        if len(self.kept) > 50 * self.kept_max:
            self.kept = self._first()

    def _first(self) -> list[Fault]:
        return sorted(self.kept, key=lambda fault: (fault.row or 0, fault.column or "", fault.code))[: self.kept_max]

    def report(self, rows: int = 0) -> ImportReport:
        """The faults in file order, capped."""
        return ImportReport(rows=rows, faults=tuple(self._first()), fault_count=self.count)

    def refuse_if_any(self, rows: int = 0) -> None:
        """Raises ImportRefused when a fault was recorded."""
        if self.count:
            raise ImportRefused(self.report(rows))

    def refuse(self, code: FaultCode, reason: str, row: int | None = None, column: str | None = None) -> ImportRefused:
        """The refusal for a fault after which reading on makes no sense."""
        self.add(code, reason, row, column)
        return ImportRefused(self.report())
