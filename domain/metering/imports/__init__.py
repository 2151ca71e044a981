"""Meter files: bytes in, whole local days of exact micro-kWh out, or a report of every fault.

Nothing about a file is guessed: layout, unit, resolution, interval label, clock, delimiter and decimal separator are
declared in an `ImportFormat` (`regulation.md` section 5). A file is taken as a whole or not at all; a refusal names
row, column and reason of each fault. Row order is never trusted, with one exception.

Decision, 2026-11-20: where a label stands twice in a series, as a zone clock shows the hour of the autumn change, the
first in file order is summer time, the second winter time, as the operators write it. That holds only while the rows of
that day run forward; otherwise, and where a label stands once, the hour is `AMBIGUOUS_TIME`.

Decision, 2026-11-20: a label of `END` is the instant at which its interval ends, on the declared clock. So the interval
before the spring change ends at 03:00, and 02:00 is `UNKNOWN_TIME`.

Decision, 2026-11-20: decimals are read exactly; what is finer than a micro-kWh is rounded half-even and counted. A
number may have an exponent, because programs write files in which 0.000001 is 1e-06; digits are ASCII.

Decision, 2026-11-30: nothing is dropped or taken for energy that may be something else. A row that stands twice is left
out only where all its cells are equal; another row for the same interval may be a second register, and is refused also
where its value is equal. Values that only grow through a file are counter readings, and are refused as such.

Reading order: `formats`, `report`, `parsing`; below them `delimited` and `workbooks` (files to cells), `energies` and
`labels` (cells to integers), `instants` (labels to UTC), `days` (instants to local days).
"""

from domain.metering.imports.formats import (
    UTC_CLOCK,
    Csv,
    EmptyCells,
    FixedOffset,
    Gaps,
    ImportFormat,
    IntervalLabel,
    Limits,
    Long,
    StatedOffset,
    Template,
    Unit,
    Wide,
    WideColumn,
    Xlsx,
    ZoneClock,
)
from domain.metering.imports.gross import netted, parse_netted
from domain.metering.imports.parsing import parse
from domain.metering.imports.report import (
    Fault,
    FaultCode,
    ImportedReadings,
    ImportRefused,
    ImportReport,
    PointSeries,
    ReadingDay,
    SkippedDays,
)

__all__ = [
    "UTC_CLOCK",
    "Csv",
    "EmptyCells",
    "Fault",
    "FaultCode",
    "FixedOffset",
    "Gaps",
    "ImportFormat",
    "ImportRefused",
    "ImportReport",
    "ImportedReadings",
    "IntervalLabel",
    "Limits",
    "Long",
    "PointSeries",
    "ReadingDay",
    "SkippedDays",
    "StatedOffset",
    "Template",
    "Unit",
    "Wide",
    "WideColumn",
    "Xlsx",
    "ZoneClock",
    "netted",
    "parse",
    "parse_netted",
]
