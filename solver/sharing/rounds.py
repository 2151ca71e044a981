"""What one round gives out of what the earlier rounds left; each rule is one function.

All work on a `Pool`, some consecutive intervals small enough for a processor's cache, and return parts with
0 <= part <= need and, per interval, sum of parts <= energy; both exact.
"""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from domain.kernel.quantities import WHOLE_PPM, MicroKwh
from solver.sharing.apportionment import apportion, fill
from solver.sharing.keys import AllWhenEnough, Equal, Fixed, Key, Priority, ProRata, Round
from solver.sharing.problems import rows_of


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Energy to share and need for it, micro-kWh, in the intervals `rows` of a period."""

    rows: slice
    energy_ukwh: MicroKwh  # shape (intervals,)
    need_ukwh: MicroKwh  # shape (intervals, points)
    turn: MicroKwh  # The points in the order in which equal remainders are served.

    @property
    def whole_need_ukwh(self) -> MicroKwh:
        """Need of all points together, micro-kWh, shape (intervals,)."""
        need: MicroKwh = self.need_ukwh.sum(axis=1)
        return need

    def after(self, parts: MicroKwh) -> "Pool":
        """What a round that gave these parts leaves to the next."""
        return Pool(self.rows, self.energy_ukwh - parts.sum(axis=1), self.need_ukwh - parts, self.turn)


def share(pool: Pool, key: Key) -> MicroKwh:
    """Parts given in all rounds of a key, micro-kWh, shape (intervals, points)."""
    parts = share_round(pool, key[0])
    for round_ in key[1:]:
        parts += share_round(pool.after(parts), round_)
    return parts


def share_round(pool: Pool, round_: Round) -> MicroKwh:
    """Parts given in one round, micro-kWh, shape (intervals, points)."""
    match round_:
        case ProRata():
            return _pro_rata(pool)
        case Priority():
            return _by_priority(pool, round_)
        case AllWhenEnough():
            return _all_when_enough(pool)
        case Equal() | Fixed():
            if round_.until_met:
                return _until_met(pool, _weights(pool, round_))
            return np.minimum(offer(pool, round_), pool.need_ukwh)
        case _:
            assert_never(round_)


def offer(pool: Pool, round_: Equal | Fixed | ProRata) -> MicroKwh:
    """What a round holds out before need caps it, micro-kWh, shape (intervals, points).

    Adds up to the pool's energy where shares add up to the whole; a pro rata offer needs somebody in need.
    """
    if isinstance(round_, ProRata):
        return _apportioned(pool, pool.energy_ukwh, pool.need_ukwh, pool.whole_need_ukwh)
    whole = WHOLE_PPM if isinstance(round_, Fixed) else pool.need_ukwh.shape[1]
    wholes = np.full(pool.energy_ukwh.size, whole, np.int64)
    return _apportioned(pool, pool.energy_ukwh, _weights(pool, round_), wholes)


def _weights(pool: Pool, round_: Equal | Fixed) -> MicroKwh:
    if isinstance(round_, Fixed):
        return np.ascontiguousarray(rows_of(round_.share_ppm, pool.rows), np.int64)
    return np.ones((1, pool.need_ukwh.shape[1]), np.int64)


def _apportioned(pool: Pool, energy_ukwh: MicroKwh, weight: MicroKwh, whole: MicroKwh) -> MicroKwh:
    parts = np.empty_like(pool.need_ukwh)
    apportion(energy_ukwh, weight, whole, pool.turn, parts)
    return parts


def _pro_rata(pool: Pool) -> MicroKwh:
    whole = pool.whole_need_ukwh
    return _apportioned(pool, np.minimum(pool.energy_ukwh, whole), pool.need_ukwh, whole)


def _until_met(pool: Pool, weight: MicroKwh) -> MicroKwh:
    parts = np.empty_like(pool.need_ukwh)
    fill(pool.energy_ukwh, pool.need_ukwh, weight, pool.turn, parts)
    return parts


def _all_when_enough(pool: Pool) -> MicroKwh:
    enough = pool.energy_ukwh >= pool.whole_need_ukwh
    return pool.need_ukwh * enough[:, np.newaxis]


def _by_priority(pool: Pool, round_: Priority) -> MicroKwh:
    """Each rank takes what the lower ones left; at most one rank per interval is met in part and shares pro rata."""
    _, level, size = np.unique(round_.rank, return_inverse=True, return_counts=True)
    by_level = np.argsort(level, kind="stable")
    starts = np.cumsum(size) - size
    need = np.add.reduceat(pool.need_ukwh[:, by_level], starts, axis=1) if size.size else pool.need_ukwh
    before = np.cumsum(need, axis=1) - need
    taken = np.clip(pool.energy_ukwh[:, np.newaxis] - before, 0, need)
    if size.size == level.size:
        return np.ascontiguousarray(taken[:, level])
    is_cut = (taken > 0) & (taken < need)
    parts: MicroKwh = pool.need_ukwh * ((taken == need) & (need > 0))[:, level]
    short = pool.need_ukwh * is_cut[:, level]
    parts += _apportioned(pool, (taken * is_cut).sum(axis=1), short, (need * is_cut).sum(axis=1))
    return parts
