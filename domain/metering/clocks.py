"""Clocks: what a zone's clock shows to UTC instants, and instants to local days, for whole columns at once.

A zone is a table of its clock changes over the years in question. All times are whole seconds since 1970-01-01T00:00,
of UTC or of the clock named; days count from 1970-01-01.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]
Days = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SECONDS_PER_DAY = 86_400
_EPOCH = date(1970, 1, 1)


def calendar_day(day_number: int) -> date:
    """The date of a count of days from 1970-01-01."""
    return _EPOCH + timedelta(days=day_number)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to a date."""
    return (day - _EPOCH).days


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """Clock changes of a zone: `offsets_s[k]` holds from change k-1 to change k."""

    changes_s: Seconds
    offsets_s: Seconds

    def to_local(self, utc_s: Seconds) -> Seconds:
        """What the clock shows."""
        return utc_s + self.offsets_s[np.searchsorted(self.changes_s, utc_s, "right")]

    def to_utc(self, local_s: Seconds) -> tuple[Seconds, Seconds, Mask]:
        """When the clock shows local times: the first instant, seconds until it does so again, and which it never does.

        The seconds are 0 where a time is shown once. A time that is never shown counts on from before the change.
        """
        before, after = self.offsets_s[:-1], self.offsets_s[1:]
        settled = self.changes_s + np.maximum(before, after)
        segment = np.searchsorted(settled, local_s, "right")
        unsettled = np.append(self.changes_s + np.minimum(before, after), np.iinfo(np.int64).max)[segment]
        jump = np.append(after - before, 0)[segment]
        around = local_s >= unsettled
        repeat_s: Seconds = np.where(around & (jump < 0), -jump, 0)
        return local_s - self.offsets_s[segment], repeat_s, around & (jump > 0)

    def day_starts(self, days: Days) -> Seconds:
        """The instant at which each local day begins."""
        return self.to_utc(days * SECONDS_PER_DAY)[0]


def zone_table(name: str, local_s: Seconds) -> ZoneTable:
    """The zone over the years that the times touch, with a year on either side."""
    years = np.array([local_s.min(), local_s.max()])
    first, last = ((years // SECONDS_PER_DAY).astype("M8[D]").astype("M8[Y]").astype(int) + 1970).tolist()
    return _zone_table(name, first - 1, last + 1)


@lru_cache(maxsize=64)
def _zone_table(name: str, first_year: int, last_year: int) -> ZoneTable:
    zone = ZoneInfo(name)
    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp())
    changes: list[int] = []
    offsets = [_offset_s(zone, start)]
    for day in range(start, end, SECONDS_PER_DAY):
        following = _offset_s(zone, day + SECONDS_PER_DAY)
        if following != offsets[-1]:
            changes.append(_change_between(zone, day, day + SECONDS_PER_DAY))
            offsets.append(following)
    return ZoneTable(np.array(changes, np.int64), np.array(offsets, np.int64))


def _offset_s(zone: ZoneInfo, instant_s: int) -> int:
    offset = datetime.fromtimestamp(instant_s, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _change_between(zone: ZoneInfo, low_s: int, high_s: int) -> int:
    """The first second with the later offset, by halving."""
    later = _offset_s(zone, high_s)
    while high_s - low_s > 1:
        middle = (low_s + high_s) // 2
        if _offset_s(zone, middle) == later:
            high_s = middle
        else:
            low_s = middle
    return high_s
