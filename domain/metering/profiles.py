"""Standard load profiles of BDEW, scaled to an annual total.

A profile tells the typical day of a kind of customer by season or month and kind of day (workday, Saturday, Sunday or
holiday), in quarter-hours of local wall time: the hour that a spring change leaves out is dropped, the hour that an
autumn change repeats is taken twice. H25, P25, S25 and the older H0 vary further over the year by BDEW's function.

The figures come with `demandlib` (BDEW; MIT). They are read from its data files, because importing it brings pandas
with it, which takes a second and fifty megabytes; a test compares with what demandlib itself computes.
"""

import csv
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from domain.kernel.intervals import Resolution
from domain.kernel.quantities import INT64_MAX, MicroKwh, largest_remainder, micro_from
from domain.metering.clocks import SECONDS_PER_DAY, calendar_day, day_number, zone_table

_STEP_S = 900
_QUARTERS = 96
_WEIGHT_UNITS = 100_000  # Weights are whole numbers of 10^-5 of the published unit.
_KINDS_OF_DAY = {"SA": 0, "FT": 1, "WT": 2}  # Saturday, Sunday or holiday, workday.
_WEEKDAYS = (2, 2, 2, 2, 2, 0, 1)
_SEASONS = {"winter": 0, "transition": 1, "summer": 2}

Table = npt.NDArray[np.float64]


class ProfileKind(StrEnum):
    """BDEW's profiles of 2025 (households, commerce, farms, with PV, with PV and storage) and the older series."""

    H25 = "h25"
    G25 = "g25"
    L25 = "l25"
    P25 = "p25"
    S25 = "s25"
    H0 = "h0"
    G0 = "g0"
    G1 = "g1"
    G2 = "g2"
    G3 = "g3"
    G4 = "g4"
    G5 = "g5"
    G6 = "g6"
    L0 = "l0"
    L1 = "l1"
    L2 = "l2"


_MONTHLY = frozenset({ProfileKind.H25, ProfileKind.G25, ProfileKind.L25, ProfileKind.P25, ProfileKind.S25})
_DYNAMIC = frozenset({ProfileKind.H25, ProfileKind.P25, ProfileKind.S25, ProfileKind.H0})


def load_profile_ukwh(
    kind: ProfileKind,
    annual_kwh: Decimal | int,
    start_day: date,
    days: int,
    timezone: str,
    resolution: Resolution = Resolution.QUARTER_HOUR,
    holidays: frozenset[date] = frozenset(),
) -> list[MicroKwh]:
    """Energy of each local day from `start_day`, micro-kWh, shape (92, 96 or 100) and accordingly at 30 and 60 minutes.

    Every calendar year adds up to `annual_kwh` exactly, by largest remainder over its quarter-hours.
    """
    first, merged = day_number(start_day), resolution.minutes // 15
    found: list[MicroKwh] = []
    for year in range(start_day.year, calendar_day(first + days - 1).year + 1):
        weights, bounds = year_weights(kind, year, timezone, holidays)
        ukwh = spread(micro_from(Decimal(annual_kwh)), weights)
        new_year = day_number(date(year, 1, 1))
        for day in range(max(first, new_year), min(first + days, new_year + len(bounds) - 1)):
            quarters = ukwh[bounds[day - new_year] : bounds[day - new_year + 1]]
            found.append(quarters.reshape(-1, merged).sum(axis=1))
    return found


@lru_cache(maxsize=32)
def year_weights(
    kind: ProfileKind, year: int, timezone: str, holidays: frozenset[date] = frozenset()
) -> tuple[MicroKwh, npt.NDArray[np.int64]]:
    """Weight of each quarter-hour of a local calendar year, and where its days begin, with the end as last bound."""
    numbers = np.arange(day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1)) + 1)
    zone = zone_table(timezone, numbers * SECONDS_PER_DAY)
    bounds_s = zone.day_starts(numbers)
    local_s = zone.to_local(np.arange(bounds_s[0], bounds_s[-1], _STEP_S))
    of_days = _days([calendar_day(int(number)) for number in numbers[:-1]], kind, holidays)
    weights = of_days[local_s // SECONDS_PER_DAY - numbers[0], local_s % SECONDS_PER_DAY // _STEP_S]
    weights.flags.writeable = False
    return weights, (bounds_s - bounds_s[0]) // _STEP_S


def spread(total: int, weights: MicroKwh) -> MicroKwh:
    """Split a total in proportion to whole weights, exactly, by largest remainder; ties to the earlier weight."""
    if total == 0:
        return np.zeros(len(weights), np.int64)
    if total * int(weights.max()) > INT64_MAX:
        return np.array(largest_remainder(total, weights.tolist()), np.int64)
    parts, remainders = np.divmod(total * weights, weights.sum())
    parts[np.argsort(-remainders, kind="stable")[: total - int(parts.sum())]] += 1
    return parts


def dynamisation(day_of_year: npt.NDArray[np.int64]) -> Table:
    """BDEW's factor for the day of the year, 1 to 366 (BDEW 1999, kept for the profiles of 2025)."""
    t = day_of_year.astype(np.float64)
    factor: Table = -3.92e-10 * t**4 + 3.2e-7 * t**3 - 7.02e-5 * t**2 + 2.1e-3 * t + 1.24
    return factor


def _days(days: Sequence[date], kind: ProfileKind, holidays: frozenset[date]) -> MicroKwh:
    """Weights of wall-clock days, shape (days, 96)."""
    season = np.array([day.month - 1 if kind in _MONTHLY else _season(day) for day in days])
    kind_of_day = np.array([1 if day in holidays else _WEEKDAYS[day.weekday()] for day in days])
    shape = _table(kind)[season, kind_of_day]
    if kind in _DYNAMIC:
        shape = shape * dynamisation(np.array([day.timetuple().tm_yday for day in days]))[:, None]
    weights: MicroKwh = np.rint(shape * _WEIGHT_UNITS).astype(np.int64)
    return weights


def _season(day: date) -> int:
    """Season of the older profiles: summer 15 May to 14 September, winter November to 20 March, transition between."""
    of_year = (day.month, day.day)
    if (5, 15) <= of_year <= (9, 14):
        return _SEASONS["summer"]
    return _SEASONS["winter" if of_year <= (3, 20) or of_year >= (11, 1) else "transition"]


@lru_cache
def _table(kind: ProfileKind) -> Table:
    """Published figures, shape (months or seasons, kinds of day, 96)."""
    return _monthly_table(kind) if kind in _MONTHLY else _seasonal_table(kind)


def _monthly_table(kind: ProfileKind) -> Table:
    months, kinds_of_day, *quarters = _rows(f"{kind}.csv")
    table = np.empty((12, len(_KINDS_OF_DAY), _QUARTERS))
    month_order = list(dict.fromkeys(months[1:]))
    for column, (month, kind_of_day) in enumerate(zip(months[1:], kinds_of_day[1:], strict=True), 1):
        figures = [float(quarter[column]) for quarter in quarters]
        table[month_order.index(month), _KINDS_OF_DAY[kind_of_day]] = figures
    return table


def _seasonal_table(kind: ProfileKind) -> Table:
    header, *rows = _rows("selp_series.csv")
    period, weekday, column = header.index("period"), header.index("weekday"), header.index(kind)
    table = np.empty((len(_SEASONS), len(_KINDS_OF_DAY), _QUARTERS))
    for (season, day), figures in _grouped(rows, period, weekday, column).items():
        table[_SEASONS[season], _WEEKDAYS[int(day) - 1]] = figures
    return table


def _grouped(rows: list[list[str]], period: int, weekday: int, column: int) -> dict[tuple[str, str], list[float]]:
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        groups.setdefault((row[period], row[weekday]), []).append(float(row[column]))
    return groups


def _rows(name: str) -> list[list[str]]:
    package = find_spec("demandlib")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "bdew" / "bdew_data" / name
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
