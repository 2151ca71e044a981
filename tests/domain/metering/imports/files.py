"""Meter files for the tests of imports: formats with overrides, files as bytes, and faults as short tuples."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from domain.kernel.intervals import Resolution, local_day
from domain.metering.imports import (
    UTC_CLOCK,
    Csv,
    Fault,
    ImportedReadings,
    ImportFormat,
    ImportRefused,
    ImportReport,
    IntervalLabel,
    Limits,
    Long,
    Unit,
    Wide,
    WideColumn,
    parse,
)
from domain.metering.tables import Direction

LONG = Long("point", "time", "kwh", Direction.WITHDRAWN)
WIDE = Wide("time", (WideColumn("a", "A", Direction.WITHDRAWN), WideColumn("b", "B", Direction.INJECTED)))

HOURLY = ImportFormat(
    layout=LONG,
    unit=Unit.KWH,
    resolution=Resolution.HOUR,
    interval_label=IntervalLabel.START,
    clock=UTC_CLOCK,
    timezone="UTC",
    time_format="%Y-%m-%d %H:%M",
    file=Csv(),
)
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2026, 10, 25), date(2026, 5, 1)


def a_format(**overrides: Any) -> ImportFormat:
    return replace(HOURLY, **overrides)


def labels(day: date, zone: str = "UTC", minutes: int = 60, days: int = 1, end: bool = False) -> list[str]:
    """What the zone's clock shows at the start (or end) of each interval of its local days."""
    first, last = local_day(day, ZoneInfo(zone)), local_day(day + timedelta(days=days - 1), ZoneInfo(zone))
    step = timedelta(minutes=minutes)
    count = int((last.end - first.start) / step)
    instants = (first.start + step * (index + end) for index in range(count))
    return [instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") for instant in instants]


def long_rows(times: Sequence[str], point: str = "A") -> list[list[str]]:
    """Rows with the values 0, 1, 2 ..."""
    return [[point, time, str(index)] for index, time in enumerate(times)]


def steady_rows(times: Sequence[str]) -> list[list[str]]:
    """Rows with the value 1: over several days a value that only grows would be taken for a counter."""
    return [["A", time, "1"] for time in times]


def text(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> bytes:
    return "".join(delimiter.join(row) + "\n" for row in [header, *rows]).encode()


def long_text(rows: Sequence[Sequence[str]]) -> bytes:
    return text(["point", "time", "kwh"], rows)


def workbook(rows: Sequence[Sequence[object]], title: str = "Sheet") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def by_series(readings: ImportedReadings) -> dict[tuple[str, Direction], dict[date, list[int]]]:
    return {
        (series.point_code, series.direction): {day.day: day.energy_ukwh.tolist() for day in series.days}
        for series in readings.series
    }


def refused(source: bytes, format: ImportFormat, limits: Limits | None = None) -> ImportReport:
    with pytest.raises(ImportRefused) as refusal:
        parse(source, format, limits or Limits())
    return refusal.value.report


def places(report: ImportReport) -> list[tuple[str, int | None, str | None]]:
    return [place(fault) for fault in report.faults]


def place(fault: Fault) -> tuple[str, int | None, str | None]:
    return fault.code.value, fault.row, fault.column


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)
