"""Long and wide files to strands: the values of each point and direction with the starts of their intervals."""

from collections.abc import Iterator, Mapping

import numpy as np

from domain.metering.imports.cells import Cells, Column, Mask, Positions
from domain.metering.imports.columns import read_codes, read_energies, read_mapped, read_quality, read_starts
from domain.metering.imports.days import Strand
from domain.metering.imports.formats import ImportFormat, Limits, Long, Wide
from domain.metering.imports.report import FaultCode, FaultLog
from domain.metering.tables import Direction

_DIRECTIONS = tuple(Direction)


def wide_strands(
    cells: Cells, layout: Wide, format: ImportFormat, limits: Limits, faults: FaultLog
) -> tuple[list[Strand], int]:
    """One strand per value column, and how many values were rounded."""
    names = [layout.time_column]
    for value in layout.value_columns:
        names += [name for name in (value.name, value.quality_column) if name is not None]
    columns = cells.find(names, limits.cell_bytes_max, faults)
    starts_s, timed = read_starts(columns[layout.time_column], np.zeros(len(cells.rows), np.int64), format, faults)
    strands, rounded_total = [], 0
    for value in layout.value_columns:
        ukwh, present, rounded = read_energies(columns[value.name], format, limits, faults)
        grades = None if value.quality_column is None else columns[value.quality_column]
        quality, graded = read_quality(grades, present, format.quality_codes, faults)
        whole = Strand(value.point_code, value.direction, value.name, starts_s, cells.rows, ukwh, quality)
        strands.append(whole.take(timed & present & graded))
        rounded_total += rounded
    return strands, rounded_total


def long_strands(
    cells: Cells, layout: Long, format: ImportFormat, limits: Limits, faults: FaultLog
) -> tuple[list[Strand], int]:
    """One strand per point and direction, and how many values were rounded."""
    optional = (layout.direction_column, layout.quality_column, layout.step_column)
    names = [layout.point_column, layout.time_column, layout.value_column, *filter(None, optional)]
    columns = cells.find(names, limits.cell_bytes_max, faults)
    point, codes, usable = read_codes(columns[layout.point_column], faults)
    direction, known = _directions(layout, columns, len(cells.rows), faults)
    if layout.step_column is not None and layout.step_text is not None:
        read_mapped(columns[layout.step_column], {layout.step_text: 0}, FaultCode.MIXED_RESOLUTION, faults)
    series = point * len(_DIRECTIONS) + np.maximum(direction, 0)
    if len(codes) > limits.series_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.series_max} points", column=layout.point_column)
    starts_s, timed = read_starts(columns[layout.time_column], series, format, faults)
    ukwh, present, rounded = read_energies(columns[layout.value_column], format, limits, faults)
    grades = None if layout.quality_column is None else columns[layout.quality_column]
    quality, graded = read_quality(grades, present, format.quality_codes, faults)
    kept = np.flatnonzero(usable & known & timed & present & graded)
    whole = Strand("", Direction.INJECTED, layout.value_column, starts_s, cells.rows, ukwh, quality)
    return list(_split(whole, series, kept, codes)), rounded


def _directions(layout: Long, columns: Mapping[str, Column], count: int, faults: FaultLog) -> tuple[Positions, Mask]:
    if layout.direction_column is None:
        assert isinstance(layout.direction, Direction)
        return np.full(count, _DIRECTIONS.index(layout.direction)), np.ones(count, np.bool_)
    assert isinstance(layout.direction, Mapping)
    numbers = {text: _DIRECTIONS.index(direction) for text, direction in layout.direction.items()}
    return read_mapped(columns[layout.direction_column], numbers, FaultCode.UNKNOWN_DIRECTION, faults)


def _split(whole: Strand, series: Positions, kept: Positions, codes: list[str]) -> Iterator[Strand]:
    """The strands by series number; within one the rows stay in file order."""
    if not kept.size:
        return
    keys = series[kept]
    if (np.diff(keys) < 0).any():
        order = np.argsort(keys, kind="stable")
        kept, keys = kept[order], keys[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    for first, last in zip(firsts, np.append(firsts[1:], len(keys)), strict=True):
        point, direction = divmod(int(keys[first]), len(_DIRECTIONS))
        part = whole.take(kept[first:last])
        yield Strand(
            codes[point], _DIRECTIONS[direction], part.column, part.starts_s, part.rows, part.ukwh, part.quality
        )
