"""Labels to UTC instants, with the repeated hour told apart by file order (see the package)."""

from dataclasses import dataclass

import numpy as np

from domain.metering.clocks import SECONDS_PER_DAY, Mask, Seconds, ZoneTable
from domain.metering.imports.cells import Positions


@dataclass(frozen=True, slots=True)
class Instants:
    """Labels as UTC seconds. `unknown` are never shown; `alone` are shown twice but stand once, or in no clear order;
    `excess` stand more often than the clock shows them."""

    utc_s: Seconds
    unknown: Mask
    alone: Mask
    excess: Mask


def instants(local_s: Seconds, offset_s: Seconds, series: Positions, zone: ZoneTable | None) -> Instants:
    """Labels to instants; rows in file order, `series` says whose label each is. Without a zone the offset decides."""
    nothing = np.zeros(len(local_s), np.bool_)
    if zone is None:
        return Instants(local_s - offset_s, nothing, nothing, nothing)
    utc_s, repeat_s, unknown = zone.to_utc(local_s)
    twice = np.flatnonzero(repeat_s > 0)
    alone, excess = nothing.copy(), nothing.copy()
    if twice.size:
        occurrence, times = _occurrences(local_s[twice], series[twice])
        in_order = _runs_forward(local_s, series, twice)
        alone[twice] = (times == 1) | ((times == 2) & ~in_order)
        excess[twice] = occurrence >= 2
        utc_s = utc_s.copy()
        utc_s[twice] += np.where(occurrence == 1, repeat_s[twice], 0)
    return Instants(utc_s, unknown, alone, excess)


def _occurrences(local_s: Seconds, series: Positions) -> tuple[Positions, Positions]:
    """For each row the how-manyth of its label and series it is, from 0, and how many there are."""
    order = np.lexsort((local_s, series))  # Stable: equal labels stay in file order.
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (np.diff(local_s[order]) != 0) | (np.diff(series[order]) != 0)
    run = np.cumsum(fresh) - 1
    first = np.flatnonzero(fresh)
    occurrence, times = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    occurrence[order] = np.arange(len(order)) - first[run]
    times[order] = np.bincount(run)[run]
    return occurrence, times


def _runs_forward(local_s: Seconds, series: Positions, twice: Positions) -> Mask:
    """Whether the rows of a repeated hour's day run forward in the file, but for the one step back of the clock."""
    key = series * 100_000 + local_s // SECONDS_PER_DAY
    days, number = np.unique(key[twice], return_inverse=True)
    rows = np.flatnonzero(np.isin(key, days))
    rows = rows[np.argsort(key[rows], kind="stable")]
    back = (np.diff(local_s[rows]) < 0) & (np.diff(key[rows]) == 0)
    steps_back = np.bincount(np.searchsorted(days, key[rows[1:]][back]), minlength=len(days))
    forward: Mask = (steps_back <= 1)[number]
    return forward
