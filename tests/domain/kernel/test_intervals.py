"""Periods, intervals and local days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from domain.kernel.intervals import (
    Period,
    floor_to,
    intervals_in_day,
    is_aligned,
    local_day,
    local_days,
    whole_local_days,
)

ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("day", "quarters"),
    [(date(2024, 3, 31), 92), (date(2024, 10, 27), 100), (date(2024, 2, 29), 96)],
)
def test_a_local_day_has_92_96_or_100_quarter_hours(day: date, quarters: int) -> None:
    assert intervals_in_day(day, ROME, 15) == quarters
    assert intervals_in_day(day, ROME, 60) == quarters // 4


def test_a_period_is_kept_in_utc_and_half_open() -> None:
    period = Period(datetime(2024, 1, 1, tzinfo=ROME), datetime(2024, 1, 3, tzinfo=ROME))

    assert period.start == datetime(2023, 12, 31, 23, tzinfo=UTC)
    assert list(local_days(period, ROME)) == [date(2024, 1, 1), date(2024, 1, 2)]
    assert period.intervals(15) == 192
    assert whole_local_days(period, ROME)
    assert not whole_local_days(period, ZoneInfo("UTC"))


def test_refuses_naive_and_empty_periods() -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="offset"):
        Period(now.replace(tzinfo=None), now)
    with pytest.raises(ValueError, match="after it starts"):
        Period(now, now)


def test_days_follow_each_other_without_gaps() -> None:
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]

    periods = [local_day(day, ROME) for day in days]

    assert all(one.end == other.start for one, other in pairwise(periods))


def test_intervals_are_counted_from_midnight_utc() -> None:
    instant = datetime(2024, 1, 1, 12, 44, 59, tzinfo=UTC)

    assert floor_to(instant, 15) == datetime(2024, 1, 1, 12, 30, tzinfo=UTC)
    assert is_aligned(floor_to(instant, 60), 60)
    assert not is_aligned(instant, 15)
