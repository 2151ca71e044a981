"""Exact apportionment of many intervals at once: compiled row kernels.

Quantities are below 2^46 and a row has fewer than 2^17 points, so sums fit 64 bits while products do not. A quotient
is taken with a floating-point ratio, which is off by less than one (two roundings of 2^-53 each on at most 2^46),
and then corrected by its remainder: `pool * weight - quota * whole` wraps twice, but its true value lies within
(-whole, 2 * whole), so the wrapped difference is exact.
"""

from typing import Any, TypeAlias

import numpy as np

from domain.kernel.quantities import MicroKwh
from solver.machine_code import compiled

ROW = "Array(int64, 1, 'C', readonly=True)"
ROWS = "Array(int64, 2, 'C', readonly=True)"
OUTPUT = "int64[:, ::1]"
Units: TypeAlias = np.signedinteger[Any]


@compiled()
def _take_quotas(pool: Units, weight: MicroKwh, whole: Units, quota: MicroKwh, remainder: MicroKwh) -> Units:
    """Floor of pool * weight / whole and its remainder for each point; returns the units the floors leave over."""
    ratio = pool / whole
    left = np.int64(0)
    for i in range(weight.size):
        units = np.int64(weight[i] * ratio)
        rest = weight[i] * pool - units * whole
        below = rest >> 63
        rest += whole & below
        above = (whole - 1 - rest) >> 63
        rest -= whole & above
        quota[i] = units + below - above
        remainder[i] = rest
        left += rest
    return left // whole


@compiled()
def _count_from(remainder: MicroKwh, cut: Units) -> Units:
    count = np.int64(0)
    for i in range(remainder.size):
        count += np.int64(remainder[i] >= cut)
    return count


@compiled()
def _cut(remainder: MicroKwh, extra: Units) -> tuple[Units, Units]:
    """The remainder from which points get one unit more, and how many of them do.

    At most `extra` points lie at or above the cut. If fewer, the missing ones tie exactly one below it.
    Interpolation finds the cut in a few passes; every other step halves, which bounds them.
    """
    low = high = remainder[0]
    for i in range(remainder.size):
        low = min(low, remainder[i])
        high = max(high, remainder[i])
    high += 1
    from_low, from_high = np.int64(remainder.size), np.int64(0)
    halve = False
    while high - low > 1:
        step = (high - low) // 2
        if not halve:
            step = np.int64((high - low) * ((from_low - extra) / (from_low - from_high)))
        cut = low + min(max(step, np.int64(1)), high - low - 1)
        count = _count_from(remainder, cut)
        if count == extra:
            return cut, count
        if count > extra:
            low, from_low = cut, count
        else:
            high, from_high = cut, count
        halve = not halve
    return high, from_high


@compiled()
def _give_remainders(quota: MicroKwh, remainder: MicroKwh, extra: Units, turn: MicroKwh) -> None:
    """One unit more to the `extra` largest remainders; equal ones in the order of `turn`."""
    cut, above = _cut(remainder, extra)
    for i in range(quota.size):
        quota[i] += np.int64(remainder[i] >= cut)
    missing = extra - above
    for i in turn:
        if missing == 0:
            break
        if remainder[i] == cut - 1:
            quota[i] += 1
            missing -= 1


@compiled("void", ROW, ROWS, ROW, ROW, OUTPUT)
def apportion(pool: MicroKwh, weight: MicroKwh, whole: MicroKwh, turn: MicroKwh, parts: MicroKwh) -> None:
    """Offer each row's pool in proportion to weights, by largest remainder, into `parts` (intervals, points).

    A row's parts add up to floor(pool * sum of weights / whole): to the pool itself where the weights add up to
    the whole. `weight` has one row per interval or a single one for all; no row exceeds its whole.
    `turn` lists the points in the order in which equal remainders are served.
    """
    remainder = np.empty(parts.shape[1], np.int64)
    for t in range(parts.shape[0]):
        row = weight[t if weight.shape[0] > 1 else 0]
        if pool[t] == 0 or whole[t] == 0:
            for i in range(row.size):
                parts[t, i] = 0
        elif pool[t] == whole[t]:
            for i in range(row.size):
                parts[t, i] = row[i]
        else:
            extra = _take_quotas(pool[t], row, whole[t], parts[t], remainder)
            if extra > 0:
                _give_remainders(parts[t], remainder, extra, turn)


@compiled("void", ROW, ROWS, ROWS, ROW, OUTPUT)
def fill(pool: MicroKwh, need: MicroKwh, weight: MicroKwh, turn: MicroKwh, parts: MicroKwh) -> None:
    """Raise all points together in proportion to weights until met or nothing is left, into `parts`.

    Repeating a fixed round among those still in need ends in part = min(need, level * weight) for one level per row.
    Points that the next level meets leave with their need exactly; the last pass shares what remains among the
    others by largest remainder. Rounding therefore happens once, however many rounds there were.
    """
    points = parts.shape[1]
    active = np.empty(points, np.int64)
    quota = np.empty(points, np.int64)
    remainder = np.empty(points, np.int64)
    for t in range(parts.shape[0]):
        rest = pool[t]
        row = weight[t if weight.shape[0] > 1 else 0]
        whole = np.int64(0)
        for i in range(points):
            parts[t, i] = 0
            active[i] = row[i] if need[t, i] > 0 else 0
            whole += active[i]
        while rest > 0 and whole > 0:
            extra = _take_quotas(rest, active, whole, quota, remainder)
            met = False
            for i in range(points):
                if active[i] > 0 and quota[i] >= need[t, i]:
                    parts[t, i] = need[t, i]
                    rest -= need[t, i]
                    whole -= active[i]
                    active[i] = 0
                    met = True
            if not met:
                if extra > 0:
                    _give_remainders(quota, remainder, extra, turn)
                for i in range(points):
                    parts[t, i] += quota[i]
                rest = 0
