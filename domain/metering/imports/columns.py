"""Columns of a layout to times, energies, codes and qualities; each fault named by row, column and reason."""

from collections.abc import Mapping

import numpy as np

from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import Seconds, zone_table
from domain.metering.imports.cells import Column, Mask, Positions, ascii_excerpt, distinct
from domain.metering.imports.days import QUALITIES, check_grid
from domain.metering.imports.energies import parse_energies, scale
from domain.metering.imports.formats import (
    EmptyCells,
    FixedOffset,
    Gaps,
    ImportFormat,
    IntervalLabel,
    Limits,
    ZoneClock,
)
from domain.metering.imports.instants import instants
from domain.metering.imports.labels import Labels, parse_labels
from domain.metering.imports.report import FaultCode, FaultLog
from domain.metering.tables import Quality

_FORMULA_STARTS = ("=", "+", "-", "@")
_EMPTY_CODE = FaultCode.EMPTY_CELL, "is empty where a point code is expected"
_FORMULA_CODE = FaultCode.FORMULA, "starts like a formula"
_CONTROL_CODE = FaultCode.CONTROL_CHARACTER, "holds a control character"
_CODE_FAULTS = (None, _EMPTY_CODE, _FORMULA_CODE, _CONTROL_CODE)


def read_labels(column: Column, format: ImportFormat, faults: FaultLog) -> Labels:
    """Time labels; what is no time is reported."""
    labels = parse_labels(column, format.time_format)
    bad = np.flatnonzero(labels.bad)
    reasons = (f"{text} is not a time of the form {format.time_format}" for text in column.quoted(bad))
    faults.add_rows(FaultCode.NOT_A_TIME, column.rows[bad], column.name, reasons)
    return labels


def read_starts(column: Column, series: Positions, format: ImportFormat, faults: FaultLog) -> tuple[Seconds, Mask]:
    """UTC starts of the rows' intervals, and which rows have one; `series` says whose label each is."""
    labels = read_labels(column, format, faults)
    kept = np.flatnonzero(~labels.bad)
    starts_s, usable = np.zeros(len(column.rows), np.int64), ~labels.bad
    if not kept.size:
        return starts_s, usable
    local_s, rows = labels.local_s[kept], column.rows[kept]
    zone = zone_table(format.clock.name, local_s) if isinstance(format.clock, ZoneClock) else None
    offset_s = labels.offset_s[kept]
    if isinstance(format.clock, FixedOffset):
        offset_s = np.full(len(kept), format.clock.minutes * 60, np.int64)
    found = instants(local_s, offset_s, series[kept], zone)
    refused = [
        (FaultCode.UNKNOWN_TIME, found.unknown, "this local time does not exist: the clocks go forward"),
        (FaultCode.DUPLICATE, found.excess, "this local time stands more often than the clock shows it"),
    ]
    if format.gaps is Gaps.REFUSE:
        reason = "the clocks go back: this local time must stand twice, summer time first, on a day in time order"
        refused.append((FaultCode.AMBIGUOUS_TIME, found.alone & ~found.excess, reason))
    for code, mask, reason in refused:
        faults.add_rows(code, rows[mask], column.name, [reason] * min(int(mask.sum()), faults.kept_max))
    step_s = format.resolution.minutes * 60
    utc_s = found.utc_s - (step_s if format.interval_label is IntervalLabel.END else 0)
    good = ~(found.unknown | found.alone | found.excess)
    local_zone = zone_table(format.timezone, utc_s)
    good[good] = check_grid(utc_s[good], series[kept][good], rows[good], column.name, local_zone, step_s, faults)
    starts_s[kept], usable[kept] = utc_s, good
    return starts_s, usable


def read_energies(column: Column, format: ImportFormat, limits: Limits, faults: FaultLog) -> tuple[MicroKwh, Mask, int]:
    """Micro-kWh, which rows have a value, and how many were rounded."""
    scaling = scale(format.unit, format.resolution)
    read = parse_energies(column, format.file.decimal_separator, scaling, limits.value_kwh_max)
    refused = [
        (FaultCode.NOT_A_NUMBER, read.not_a_number, "is not a decimal number"),
        (FaultCode.FORMULA, read.formula, "is a formula, not a value"),
        (FaultCode.NEGATIVE, read.negative, "is negative; injected and withdrawn are kept apart"),
        (FaultCode.VALUE_TOO_LARGE, read.too_large, f"is more than {limits.value_kwh_max} kWh in an interval"),
    ]
    if format.empty_cells is EmptyCells.REFUSE:
        refused.append((FaultCode.EMPTY_CELL, read.empty, "is empty where a value is expected"))
    present = ~read.empty
    for code, mask, what in refused:
        at = np.flatnonzero(mask)
        faults.add_rows(code, column.rows[at], column.name, (f"{text} {what}" for text in column.quoted(at)))
        present &= ~mask
    return read.ukwh, present, int(read.rounded.sum())


def read_codes(column: Column, faults: FaultLog) -> tuple[Positions, list[str], Mask]:
    """For each row the number of its point code, the codes, and which rows have a fit one."""
    number, codes = distinct(column)
    kinds = np.array([_CODE_FAULTS.index(_code_fault(code)) for code in codes], np.int64)[number]
    for kind, fault in enumerate(_CODE_FAULTS):
        at = np.flatnonzero(kinds == kind)
        if fault is not None:
            code, what = fault
            reasons = (f"{text} {what}" for text in column.quoted(at))
            faults.add_rows(code, column.rows[at], column.name, reasons)
    return number, codes, kinds == _CODE_FAULTS.index(None)


def _code_fault(code: str) -> tuple[FaultCode, str] | None:
    if not code:
        return _EMPTY_CODE
    if code.startswith(_FORMULA_STARTS):
        return _FORMULA_CODE
    return None if code.isprintable() else _CONTROL_CODE


def read_mapped(
    column: Column, numbers: Mapping[str, int], code: FaultCode, faults: FaultLog
) -> tuple[Positions, Mask]:
    """For each row the number declared for its text, and which rows have one."""
    number, texts = distinct(column)
    declared = np.array([numbers.get(text, -1) for text in texts], np.int64)
    mapped = declared[number] if len(texts) else number
    unknown = np.flatnonzero(mapped < 0)
    expected = ", ".join(ascii_excerpt(text) for text in list(numbers)[:8])
    reasons = (f"{text} is none of {expected}" for text in column.quoted(unknown))
    faults.add_rows(code, column.rows[unknown], column.name, reasons)
    return mapped, mapped >= 0


def read_quality(
    column: Column | None, present: Mask, codes: Mapping[str, Quality], faults: FaultLog
) -> tuple[Positions | None, Mask]:
    """Position of each row's quality in `QUALITIES`, and which rows have one; without a value they need none."""
    if column is None:
        return None, present
    numbers = {text: QUALITIES.index(quality) for text, quality in codes.items()}
    quality, graded = np.zeros(len(present), np.int64), present.copy()
    quality[present], graded[present] = read_mapped(column.take(present), numbers, FaultCode.UNKNOWN_QUALITY, faults)
    return quality, graded
