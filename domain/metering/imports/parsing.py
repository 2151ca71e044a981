"""From a meter file to readings: read cells, turn columns into strands, strands into whole local days."""

from pathlib import Path

import numpy as np

from domain.metering.clocks import zone_table
from domain.metering.imports import delimited, workbooks
from domain.metering.imports.cells import Cells
from domain.metering.imports.days import Assembly, Strand
from domain.metering.imports.formats import Csv, ImportFormat, Limits, Long, Template, Wide
from domain.metering.imports.layouts import long_strands, wide_strands
from domain.metering.imports.report import (
    FaultCode,
    FaultLog,
    ImportedReadings,
    ImportReport,
    PointSeries,
    SkippedDays,
)
from domain.metering.imports.templates import template_series

_DEFAULT_LIMITS = Limits()


def parse(source: bytes | Path, format: ImportFormat, limits: Limits = _DEFAULT_LIMITS) -> ImportedReadings:
    """The readings of a meter file, all of it or nothing. Raises ImportRefused with a report of the faults.

    Gaps are looked for once every row could be read; before that they would only repeat the other faults.
    """
    faults = FaultLog(limits.faults_max)
    data = _read(source, limits, faults)
    if isinstance(format.file, Csv):
        cells = delimited.read_cells(data, format.file, format, limits, faults)
    else:
        cells = workbooks.read_cells(data, format.file, format, limits, faults)
    if not len(cells.rows):
        raise faults.refuse(FaultCode.NO_READINGS, "there are no rows below the header")
    match format.layout:
        case Template() as template:
            series, rounded = template_series(cells, template, format, limits, faults)
            return _imported(format, series, ImportReport(rows=len(cells.rows), rounded=rounded))
        case Wide() as wide:
            strands, rounded = wide_strands(cells, wide, format, limits, faults)
        case Long() as long:
            strands, rounded = long_strands(cells, long, format, limits, faults)
    return _assembled(cells, strands, rounded, format, faults)


def _read(source: bytes | Path, limits: Limits, faults: FaultLog) -> bytes:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.bytes_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"the file is larger than {limits.bytes_max} bytes")
    return source if isinstance(source, bytes) else source.read_bytes()


def _assembled(
    cells: Cells, strands: list[Strand], rounded: int, format: ImportFormat, faults: FaultLog
) -> ImportedReadings:
    filled = [strand for strand in strands if len(strand.rows)]
    if not filled:
        faults.refuse_if_any(len(cells.rows))
        raise faults.refuse(FaultCode.NO_READINGS, "no value column holds a value")
    ends = np.array([end for strand in filled for end in (strand.starts_s.min(), strand.starts_s.max())])
    zone = zone_table(format.timezone, ends)
    intact = not faults.count
    assembly = Assembly(zone, cells, format.resolution.minutes * 60, format.gaps, format.quality, faults, intact)
    series = [assembly.series(strand) for strand in filled]
    faults.refuse_if_any(len(cells.rows))
    skipped: tuple[SkippedDays, ...] = tuple(assembly.skipped)
    report = ImportReport(len(cells.rows), 0, assembly.duplicates, rounded, skipped=skipped)
    return _imported(format, [one for one in series if one.days], report)


def _imported(format: ImportFormat, series: list[PointSeries], report: ImportReport) -> ImportedReadings:
    values = sum(len(day.energy_ukwh) for one in series for day in one.days)
    report = ImportReport(report.rows, values, report.duplicates, report.rounded, skipped=report.skipped)
    ordered = sorted(series, key=lambda one: (one.point_code, one.direction))
    return ImportedReadings(format.resolution, format.timezone, tuple(ordered), report)
