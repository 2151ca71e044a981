"""Netting behind the meter: from gross load and generation, as files may hold them, to what crosses the point."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from domain.kernel.quantities import MicroKwh
from domain.metering.imports.days import QUALITIES
from domain.metering.imports.formats import ImportFormat, Limits
from domain.metering.imports.parsing import parse
from domain.metering.imports.report import ImportedReadings, PointSeries, ReadingDay, SkippedDays
from domain.metering.tables import Direction


def net(production: MicroKwh, consumption: MicroKwh) -> tuple[MicroKwh, MicroKwh]:
    """(injected, withdrawn) of each interval, micro-kWh: what generation leaves over, and what it leaves uncovered.

    injected = max(0, production - consumption), withdrawn = max(0, consumption - production). Exact; in any interval
    at most one of them is positive. Raises ValueError when the shapes differ.
    """
    if production.shape != consumption.shape:
        raise ValueError(f"production has shape {production.shape}, consumption {consumption.shape}")
    surplus = production - consumption
    injected: MicroKwh = np.maximum(surplus, 0)
    withdrawn: MicroKwh = np.maximum(-surplus, 0)
    return injected, withdrawn


def parse_netted(source: bytes | Path, format: ImportFormat, limits: Limits) -> ImportedReadings:
    """As `parse`, of a file of gross load and generation."""
    return netted(parse(source, format, limits))


def netted(readings: ImportedReadings) -> ImportedReadings:
    """The readings with generation (read as injected) and load (read as withdrawn) of each point set off per interval.

    A point with one direction only stays as it is. A day known for one direction only cannot be netted: it is left out
    and listed in the report as skipped.
    """
    points: dict[str, dict[Direction, PointSeries]] = {}
    for series in readings.series:
        points.setdefault(series.point_code, {})[series.direction] = series
    skipped = list(readings.report.skipped)
    found: list[PointSeries] = []
    for by_direction in points.values():
        if len(by_direction) == 1:
            found += by_direction.values()
            continue
        injected, withdrawn = by_direction[Direction.INJECTED], by_direction[Direction.WITHDRAWN]
        skipped += [*_alone(injected, withdrawn), *_alone(withdrawn, injected)]
        found += [one for one in _net_series(injected, withdrawn) if one.days]
    values = sum(len(day.energy_ukwh) for one in found for day in one.days)
    return replace(
        readings, series=tuple(found), report=replace(readings.report, values=values, skipped=tuple(skipped))
    )


def _net_series(production: PointSeries, consumption: PointSeries) -> tuple[PointSeries, PointSeries]:
    injected, withdrawn = [], []
    loads = _by_day(consumption)
    for day in production.days:
        if load := loads.get(day.day):
            out_ukwh, in_ukwh = net(day.energy_ukwh, load.energy_ukwh)
            quality = max(day.quality, load.quality, key=QUALITIES.index)
            injected.append(ReadingDay(day.day, out_ukwh, quality))
            withdrawn.append(ReadingDay(day.day, in_ukwh, quality))
    return replace(production, days=tuple(injected)), replace(consumption, days=tuple(withdrawn))


def _alone(one: PointSeries, other: PointSeries) -> Iterator[SkippedDays]:
    known = _by_day(other)
    for day in one.days:
        if day.day not in known:
            yield SkippedDays(other.point_code, other.direction, day.day, day.day, len(day.energy_ukwh))


def _by_day(series: PointSeries) -> dict[date, ReadingDay]:
    return {day.day: day for day in series.days}
