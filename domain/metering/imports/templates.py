"""A typical day laid over local days, as it stands or as the shape of an annual total."""

from collections.abc import Iterator
from datetime import date

import numpy as np

from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import SECONDS_PER_DAY, Seconds, ZoneTable, calendar_day, day_number, zone_table
from domain.metering.imports.cells import Cells, Column, Positions
from domain.metering.imports.columns import read_energies, read_labels
from domain.metering.imports.formats import ImportFormat, IntervalLabel, Limits, Template
from domain.metering.imports.report import FaultCode, FaultLog, PointSeries, ReadingDay
from domain.metering.profiles import spread
from domain.metering.tables import Direction


def template_series(
    cells: Cells, template: Template, format: ImportFormat, limits: Limits, faults: FaultLog
) -> tuple[list[PointSeries], int]:
    """The days of the template's directions, and how many of its values were rounded. Raises ImportRefused."""
    columns = cells.find([template.time_column, *template.columns.values()], limits.cell_bytes_max, faults)
    slots = _slots(columns[template.time_column], format, faults)
    shapes: dict[Direction, MicroKwh] = {}
    rounded_total = 0
    for direction, name in template.columns.items():
        ukwh, present, rounded = read_energies(columns[name], format, limits, faults)
        rounded_total += rounded
        faults.refuse_if_any(len(cells.rows))
        empty = cells.rows[~present]
        reasons = ["a typical day needs a value for each of its intervals"] * len(empty)
        faults.add_rows(FaultCode.EMPTY_CELL, empty, name, reasons)
        faults.refuse_if_any(len(cells.rows))
        shapes[direction] = np.zeros(len(slots), np.int64)
        shapes[direction][slots] = ukwh
        if template.annual_ukwh.get(direction) and not ukwh.any():
            raise faults.refuse(FaultCode.NO_READINGS, "an annual total cannot follow a column of zeros", column=name)
    return [_laid_out(shape, direction, template, format) for direction, shape in shapes.items()], rounded_total


def _slots(column: Column, format: ImportFormat, faults: FaultLog) -> Positions:
    """Position of each row in the day; every interval must stand exactly once."""
    step_s = format.resolution.minutes * 60
    labels = read_labels(column, format, faults)
    faults.refuse_if_any(len(column.rows))
    starts_s = (labels.local_s - (step_s if format.interval_label is IntervalLabel.END else 0)) % SECONDS_PER_DAY
    off = starts_s % step_s != 0
    reasons = [f"not on a multiple of {format.resolution.minutes} minutes"] * min(int(off.sum()), faults.kept_max)
    faults.add_rows(FaultCode.OFF_GRID_TIME, column.rows[off], column.name, reasons)
    faults.refuse_if_any(len(column.rows))
    slots = starts_s // step_s
    _check_each_once(slots, SECONDS_PER_DAY // step_s, column, faults)
    return slots


def _check_each_once(slots: Positions, count: int, column: Column, faults: FaultLog) -> None:
    _, first = np.unique(slots, return_index=True)
    again = np.ones(len(slots), np.bool_)
    again[first] = False
    reasons = ["this time of day stands already"] * min(int(again.sum()), faults.kept_max)
    faults.add_rows(FaultCode.DUPLICATE, column.rows[again], column.name, reasons)
    for slot in np.setdiff1d(np.arange(count), slots).tolist():
        minutes = slot * (SECONDS_PER_DAY // count) // 60
        faults.add(FaultCode.GAP, f"no value from {minutes // 60:02d}:{minutes % 60:02d}", None, column.name)
    faults.refuse_if_any(len(column.rows))


def _laid_out(shape: MicroKwh, direction: Direction, template: Template, format: ImportFormat) -> PointSeries:
    first = day_number(template.first_day)
    total = template.annual_ukwh.get(direction)
    if total is None:
        days = _wall_clock_days(shape, first, template.days, format.timezone)
    else:
        days = _annual_days(shape, total, first, template.days, format.timezone)
    return PointSeries(
        template.point_code, direction, tuple(ReadingDay(calendar_day(day), ukwh, format.quality) for day, ukwh in days)
    )


def _wall_clock_days(shape: MicroKwh, first: int, count: int, timezone: str) -> Iterator[tuple[int, MicroKwh]]:
    """Each local day with the shape's value for what the clock shows."""
    step_s = SECONDS_PER_DAY // len(shape)
    day_numbers = np.arange(first, first + count + 1)
    zone: ZoneTable = zone_table(timezone, day_numbers * SECONDS_PER_DAY)
    bounds = zone.day_starts(day_numbers)
    starts_s: Seconds = np.arange(bounds[0], bounds[-1], step_s)
    values = shape[zone.to_local(starts_s) % SECONDS_PER_DAY // step_s]
    cuts = (bounds[1:-1] - bounds[0]) // step_s
    yield from zip(day_numbers[:-1].tolist(), np.split(values, cuts), strict=True)


def _annual_days(shape: MicroKwh, total: int, first: int, count: int, timezone: str) -> Iterator[tuple[int, MicroKwh]]:
    """The days asked for, out of calendar years that each add up to the total."""
    for year in range(calendar_day(first).year, calendar_day(first + count - 1).year + 1):
        new_year, next_year = day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))
        numbers, weights = zip(*_wall_clock_days(shape, new_year, next_year - new_year, timezone), strict=True)
        parts = np.split(spread(total, np.concatenate(weights)), np.cumsum([len(day) for day in weights])[:-1])
        yield from ((day, part) for day, part in zip(numbers, parts, strict=True) if first <= day < first + count)
