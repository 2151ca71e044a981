"""Days of readings on their way into or out of the store: arrays, not objects."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import numpy.typing as npt

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import day_number
from domain.metering.tables import Direction, Quality

MISSING = -1  # A value that has not arrived; metered energy is never negative.
VALUE_UKWH_MAX = 10**12  # 1 GWh in one interval: more than any metering point carries.
MINUTES = {
    size: minutes
    for minutes, sizes in {15: (92, 96, 100), 30: (46, 48, 50), 60: (23, 24, 25)}.items()
    for size in sizes
}

Indices = npt.NDArray[np.int64]
COUNTER_RISES_MIN, COUNTER_LEVEL_MIN = 5, 10  # A counter rises so often, and stands so many times above its growth.


@dataclass(frozen=True, slots=True)
class ReadingDay:
    """One local day of one metering point and direction; micro-kWh, MISSING where no value has arrived."""

    metering_point_id: UUID
    direction: Direction
    day: date
    quality: Quality
    values_ukwh: MicroKwh  # shape (92, 96 or 100), (46, 48 or 50) or (23, 24 or 25)


@dataclass(frozen=True, slots=True)
class DayBlock:
    """Local days that share direction, quality and number of intervals; rows in any order.

    Raises InvalidValue for a number of intervals that no day has, for values below MISSING or above VALUE_UKWH_MAX,
    for a day without any value and for a day that stands twice.
    """

    direction: Direction
    quality: Quality
    metering_point_ids: tuple[UUID, ...]
    point_index: Indices  # shape (days,), into metering_point_ids
    day_numbers: Indices  # shape (days,), days since 1970-01-01
    values_ukwh: MicroKwh  # shape (days, intervals)

    def __post_init__(self) -> None:
        if self.intervals not in MINUTES:
            raise InvalidValue(("values",), f"{self.intervals} values are no whole local day.")
        low, high = self.values_ukwh.min(initial=0), self.values_ukwh.max(initial=0)
        if low < MISSING or high > VALUE_UKWH_MAX:
            raise InvalidValue(("values",), f"A value lies between 0 and {VALUE_UKWH_MAX // 10**6} kWh.")
        if low == MISSING and (self.values_ukwh == MISSING).all(axis=1).any():
            raise InvalidValue(("values",), "A day without any value.")
        if len(np.unique(self.point_index * 2**32 + self.day_numbers)) != len(self):
            raise InvalidValue(("values",), "A day stands twice for one metering point and direction.")

    def __len__(self) -> int:
        return len(self.day_numbers)

    @property
    def intervals(self) -> int:
        """Values a day."""
        return int(self.values_ukwh.shape[1])

    @property
    def minutes(self) -> int:
        """Length of an interval."""
        return MINUTES[self.intervals]

    @property
    def months(self) -> npt.NDArray[np.int64]:
        """The month of each day, counted from January 1970."""
        return self.day_numbers.astype("M8[D]").astype("M8[M]").astype(np.int64)

    def by_month(self) -> Iterator["DayBlock"]:
        """The block cut by calendar month, in order; each ordered by point and day, as the store's indexes are."""
        months = self.months
        order = np.lexsort((self.day_numbers, self.point_index, months))
        cuts = np.flatnonzero(np.diff(months[order])) + 1
        for rows in np.split(order, cuts):
            yield self.rows(rows)

    def rows(self, rows: Indices | npt.NDArray[np.bool_] | slice) -> "DayBlock":
        """Some of the days; what was checked needs no second look."""
        part = object.__new__(DayBlock)
        for name in ("direction", "quality", "metering_point_ids"):
            object.__setattr__(part, name, getattr(self, name))
        for name in ("point_index", "day_numbers", "values_ukwh"):
            object.__setattr__(part, name, getattr(self, name)[rows])
        return part

    def ids(self) -> list[UUID]:
        """The metering point of each day."""
        return [self.metering_point_ids[index] for index in self.point_index.tolist()]


def blocks_of(days: Iterable[ReadingDay]) -> list[DayBlock]:
    """Days grouped into blocks. Raises InvalidValue; see DayBlock."""
    groups: dict[tuple[Direction, Quality, int], list[ReadingDay]] = defaultdict(list)
    for day in days:
        groups[day.direction, day.quality, len(day.values_ukwh)].append(day)
    return [_block(direction, quality, group) for (direction, quality, _), group in sorted(groups.items())]


def _block(direction: Direction, quality: Quality, days: Sequence[ReadingDay]) -> DayBlock:
    ids = tuple(sorted({day.metering_point_id for day in days}))
    index = {id: position for position, id in enumerate(ids)}
    return DayBlock(
        direction=direction,
        quality=quality,
        metering_point_ids=ids,
        point_index=np.array([index[day.metering_point_id] for day in days], np.int64),
        day_numbers=np.array([day_number(day.day) for day in days], np.int64),
        values_ukwh=np.stack([day.values_ukwh for day in days]).astype(np.int64),
    )


def is_counter(ukwh: MicroKwh, local_days: Indices) -> bool:
    """Whether values in time order are readings of a counter rather than energy of their intervals.

    They never fall, rise again and again, and either do so on several days, nights between, or stand far above all that
    they rise by. Energy of real intervals does neither; what a point can carry bounds the rest (`holding`).
    """
    steps = np.diff(ukwh)
    rises = np.flatnonzero(steps > 0)
    if len(rises) < COUNTER_RISES_MIN or (steps < 0).any():
        return False
    grown = int(ukwh[-1] - ukwh[0])
    return len(np.unique(local_days[rises + 1])) > 1 or int(ukwh[0]) >= COUNTER_LEVEL_MIN * grown
