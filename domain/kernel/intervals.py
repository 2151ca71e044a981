"""Time: UTC instants, half-open periods, market time units and local days.

Local time exists only in rules that speak of local days, which have 92, 96 or 100 quarter-hours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo


class Resolution(StrEnum):
    """Length of one value of a series. The first three are the lengths a meter may report in."""

    QUARTER_HOUR = "PT15M"
    HALF_HOUR = "PT30M"
    HOUR = "PT1H"
    DAY = "P1D"
    MONTH = "P1M"

    @property
    def minutes(self) -> int:
        """Minutes of an interval of fixed length. Raises KeyError for days and months, whose length varies."""
        return _MINUTES[self]


_MINUTES = {Resolution.QUARTER_HOUR: 15, Resolution.HALF_HOUR: 30, Resolution.HOUR: 60}
METER_RESOLUTION = {minutes: resolution for resolution, minutes in _MINUTES.items()}


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time [start, end), both aware and in UTC. Raises ValueError when empty or naive."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a period needs instants with an offset")
        if self.start >= self.end:
            raise ValueError("a period must end after it starts")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    def is_aligned(self, minutes: int) -> bool:
        """Whether both ends fall on interval boundaries counted from midnight UTC."""
        return all(is_aligned(instant, minutes) for instant in (self.start, self.end))

    def intervals(self, minutes: int) -> int:
        """How many whole intervals the period holds."""
        return int((self.end - self.start) / timedelta(minutes=minutes))


def is_aligned(instant: datetime, minutes: int) -> bool:
    """Whether an instant is an interval boundary; 15, 30 and 60 minutes divide every UTC hour."""
    return instant.astimezone(UTC).timestamp() % (minutes * 60) == 0


def floor_to(instant: datetime, minutes: int) -> datetime:
    """The start of the interval that holds the instant."""
    seconds = minutes * 60
    return datetime.fromtimestamp(instant.timestamp() // seconds * seconds, UTC)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local midnight."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def local_day(day: date, zone: ZoneInfo) -> Period:
    """One local day as a UTC period of 23, 24 or 25 hours."""
    return Period(day_start(day, zone), day_start(day + timedelta(days=1), zone))


@lru_cache(maxsize=65_536)
def intervals_in_day(day: date, zone: ZoneInfo, minutes: int) -> int:
    """Intervals in a local day: 96 quarter-hours, but 92 and 100 where the clocks change."""
    return local_day(day, zone).intervals(minutes)


def local_days(period: Period, zone: ZoneInfo) -> Iterator[date]:
    """The local days that a period touches, in order."""
    day = period.start.astimezone(zone).date()
    last = (period.end - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def whole_local_days(period: Period, zone: ZoneInfo) -> bool:
    """Whether a period starts and ends at local midnights."""
    return all(
        instant.astimezone(zone).time() == time.min and day_start(instant.astimezone(zone).date(), zone) == instant
        for instant in (period.start, period.end)
    )
