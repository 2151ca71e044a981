"""The question an allocation answers, and the checks that make it one.

Energy is micro-kWh, int64, never negative, shape (intervals, points), metered at the public connection point. Checks
of shape and key happen when a problem is stated; those of values happen block by block while it is solved, where the
values are already at hand. Both raise `InvalidValue` with the field as path and the place in the reason.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import WHOLE_PPM, MicroKwh, part_of
from solver.sharing.keys import PRO_RATA, AllWhenEnough, Equal, Fixed, Key, Priority, ProRata

INTERVAL_UKWH_MAX = 2**46
POINTS_MAX = 2**17 - 1

Factors = npt.NDArray[np.int64]
TieBreak = npt.NDArray[np.int64]

_ROUNDS = (Equal, Fixed, ProRata, Priority, AllWhenEnough)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The metering points on one side of a community: those that withdraw, or those that inject.

    `tie_break`: one distinct number per point, belonging to the point and not to its place in the list.
    `participation_ppm`: part of each point's energy available to this community, floored to the micro-kWh so that the
    factors of several communities never give energy twice; shape (points,), or (intervals, points) where it changes
    within the period (a point that joins has 0 before); None means all of it.
    """

    energy_ukwh: MicroKwh
    key: Key
    tie_break: TieBreak
    participation_ppm: Factors | None = None

    @property
    def intervals(self) -> int:
        return int(self.energy_ukwh.shape[0])

    @property
    def points(self) -> int:
        return int(self.energy_ukwh.shape[1])

    def participating_ukwh(self, rows: slice = slice(None)) -> MicroKwh:
        """Energy available to the community, micro-kWh, shape (intervals, points): floor(energy * factor / 10^6)."""
        energy = self.energy_ukwh[rows]
        if self.participation_ppm is None:
            return energy
        return part_of(energy, rows_of(self.participation_ppm, rows))


@dataclass(frozen=True, slots=True, eq=False)
class AllocationProblem:
    """What was metered in one sharing period, and the keys that share it. Raises InvalidValue.

    `consumption_key` decides who receives. `production_key` decides whose energy is shared when not all of it is;
    it always ends pro rata, so that shared out equals shared in whatever it says.
    """

    withdrawn_ukwh: MicroKwh
    injected_ukwh: MicroKwh
    consumption_key: Key
    consumer_tie_break: TieBreak
    producer_tie_break: TieBreak
    production_key: Key = PRO_RATA
    withdrawn_participation_ppm: Factors | None = None
    injected_participation_ppm: Factors | None = None

    def __post_init__(self) -> None:
        for name in ("withdrawn_ukwh", "injected_ukwh"):
            object.__setattr__(self, name, _whole_numbers(getattr(self, name), (name,), dimensions=(2,)))
        if self.withdrawn_ukwh.shape[0] != self.injected_ukwh.shape[0]:
            raise InvalidValue(
                ("injected_ukwh",),
                f"{self.injected_ukwh.shape[0]} intervals, but withdrawn_ukwh has {self.withdrawn_ukwh.shape[0]}",
            )
        _check_side(self.consumption, "withdrawn_ukwh", "withdrawn_participation_ppm", "consumer_tie_break")
        _check_side(self.production, "injected_ukwh", "injected_participation_ppm", "producer_tie_break")
        _check_key(self.consumption_key, self.consumption, "consumption_key")
        _check_key(self.production_key, self.production, "production_key")

    @property
    def consumption(self) -> Side:
        return Side(
            self.withdrawn_ukwh, self.consumption_key, self.consumer_tie_break, self.withdrawn_participation_ppm
        )

    @property
    def production(self) -> Side:
        return Side(
            self.injected_ukwh,
            (*self.production_key, ProRata()),
            self.producer_tie_break,
            self.injected_participation_ppm,
        )


def rows_of(values: npt.NDArray[np.int64], rows: slice) -> npt.NDArray[np.int64]:
    """The rows of values given per interval, or the single row, shape (1, points), of values that hold for all."""
    return values[rows] if values.ndim == 2 else values.reshape(1, -1)


def check_energy(energy: MicroKwh, name: str, first_interval: int) -> None:
    """Raises InvalidValue unless 0 <= energy and every interval's total is at most 2^46 micro-kWh."""
    if energy.min(initial=0) < 0:
        interval, point = np.argwhere(energy < 0)[0]
        reason = f"interval {first_interval + interval}, point {point} is negative: {energy[interval, point]} micro-kWh"
        raise InvalidValue((name,), reason)
    too_large = energy.max(initial=0) > INTERVAL_UKWH_MAX
    over = (energy > INTERVAL_UKWH_MAX).any(axis=1) if too_large else energy.sum(axis=1) > INTERVAL_UKWH_MAX
    if over.any():
        reason = f"interval {first_interval + int(over.argmax())} holds more than {INTERVAL_UKWH_MAX} micro-kWh"
        raise InvalidValue((name,), reason)


def _whole_numbers(values: npt.NDArray[Any], path: tuple[str, ...], dimensions: tuple[int, ...]) -> MicroKwh:
    if values.dtype.kind not in "iu" or values.dtype == np.uint64:
        raise InvalidValue(path, "must be an array of 64-bit integers")
    if values.ndim not in dimensions:
        raise InvalidValue(path, f"has {values.ndim} dimensions instead of {' or '.join(map(str, dimensions))}")
    return np.ascontiguousarray(values, dtype=np.int64)


def _check_side(side: Side, energy: str, participation: str, tie_break: str) -> None:
    if side.points > POINTS_MAX:
        raise InvalidValue((energy,), f"{side.points} points, more than {POINTS_MAX}")
    ties = _whole_numbers(side.tie_break, (tie_break,), dimensions=(1,))
    if ties.size != side.points:
        raise InvalidValue((tie_break,), f"{ties.size} numbers for {side.points} points")
    ordered = np.sort(ties)
    if (ordered[1:] == ordered[:-1]).any():
        twice = ordered[1:][ordered[1:] == ordered[:-1]][0]
        raise InvalidValue((tie_break,), f"{twice} is given to more than one point")
    if side.participation_ppm is not None:
        factors = _per_point(side.participation_ppm, side, (participation,))
        _check_parts(factors, (participation,))


def _check_key(key: Key, side: Side, name: str) -> None:
    if not key:
        raise InvalidValue((name,), "has no round")
    for number, round_ in enumerate(key):
        path = (name, str(number))
        if not isinstance(round_, _ROUNDS):
            raise InvalidValue(path, f"{type(round_).__name__} is not a round")
        if isinstance(round_, Fixed):
            _check_shares(round_, side, (*path, "share_ppm"))
        if isinstance(round_, Priority):
            ranks = _whole_numbers(round_.rank, (*path, "rank"), dimensions=(1,))
            if ranks.size != side.points:
                raise InvalidValue((*path, "rank"), f"{ranks.size} ranks for {side.points} points")


def _check_shares(round_: Fixed, side: Side, path: tuple[str, ...]) -> None:
    shares = np.atleast_2d(_per_point(round_.share_ppm, side, path))
    _check_parts(shares, path)
    over = shares.sum(axis=1) > WHOLE_PPM
    if over.any():
        interval = int(over.argmax())
        where = f" in interval {interval}" if round_.share_ppm.ndim == 2 else ""
        raise InvalidValue(path, f"shares add up to {shares[interval].sum()} ppm{where}, more than {WHOLE_PPM}")


def _per_point(values: npt.NDArray[Any], side: Side, path: tuple[str, ...]) -> npt.NDArray[np.int64]:
    whole = _whole_numbers(values, path, dimensions=(1, 2))
    if whole.shape not in {(side.points,), (side.intervals, side.points)}:
        fitting = f"neither ({side.points},) nor ({side.intervals}, {side.points})"
        raise InvalidValue(path, f"shape {whole.shape} is {fitting}: points, or intervals and points")
    return whole


def _check_parts(values: npt.NDArray[np.int64], path: tuple[str, ...]) -> None:
    outside = values[(values < 0) | (values > WHOLE_PPM)]
    if outside.size:
        raise InvalidValue(path, f"{outside[0]} ppm is not between 0 and {WHOLE_PPM}")
