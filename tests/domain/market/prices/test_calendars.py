"""Tiers by kinds of day, seasons and hours of local time."""

from datetime import UTC, date, datetime

import pytest

from domain.kernel.errors import InvalidValue
from domain.market.prices import calendars
from domain.market.prices.calendars import Calendar, DayKind, Tier, tier_at

ROME = Calendar("Europe/Rome", frozenset({date(2026, 12, 8)}))
PEAK = Tier("peak", 30_000, (DayKind.WEEKDAY,), 1, 12, 8 * 60, 20 * 60)
WINTER_NIGHT = Tier("winter night", -10_000, tuple(DayKind), 11, 2, 22 * 60, 6 * 60)
HOLIDAY = Tier("holiday", -20_000, (DayKind.HOLIDAY,))
TIERS = (PEAK, WINTER_NIGHT, HOLIDAY)


def name_at(text: str) -> str | None:
    tier = tier_at(TIERS, ROME, datetime.fromisoformat(text))
    return None if tier is None else tier.name


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        ("2026-11-23T07:00:00Z", "peak"),  # Monday, 8:00 in Rome.
        ("2026-11-23T06:59:59Z", None),
        ("2026-11-23T19:00:00Z", None),  # 20:00 is no longer in it.
        ("2026-07-20T06:00:00Z", "peak"),  # 8:00 in summer.
        ("2026-11-22T12:00:00Z", None),  # Sunday.
        ("2026-11-22T21:00:00Z", "winter night"),
        ("2026-11-23T04:59:00Z", "winter night"),  # 5:59.
        ("2026-02-28T22:00:00Z", "winter night"),
        ("2026-03-01T22:00:00Z", None),
        ("2026-12-08T12:00:00Z", "holiday"),  # A Tuesday.
        ("2026-12-07T23:30:00Z", "winter night"),  # 0:30 on the 8th: the first tier that holds.
    ],
)
def test_the_first_tier_that_holds_by_local_time(instant: str, name: str | None) -> None:
    assert name_at(instant) == name


def test_an_hour_that_comes_twice_is_in_the_tier_both_times() -> None:
    early = Tier("early", 1, from_minute=120, to_minute=180)

    held = [early.holds(ROME, datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1, 2)]

    assert held == [True, True, False]  # 2:30 in summer time, 2:30 in winter time, 3:30.


@pytest.mark.parametrize(
    ("calendar", "tiers", "path"),
    [
        (Calendar("Rome"), (), ("timezone",)),
        (Calendar("../etc/passwd"), (), ("timezone",)),
        (Calendar("UTC", frozenset(date.fromordinal(n) for n in range(1, 202))), (), ("holidays",)),
        (ROME, (PEAK,) * 25, ("tiers",)),
        (ROME, (PEAK, Tier("", 0)), ("tiers", "1", "name")),
        (ROME, (Tier("a\x00", 0),), ("tiers", "0", "name")),
        (ROME, (Tier("x", 4_000_001),), ("tiers", "0", "value")),
        (ROME, (Tier("x", 0, ()),), ("tiers", "0", "days")),
        (ROME, (Tier("x", 0, (DayKind.HOLIDAY, DayKind.HOLIDAY)),), ("tiers", "0", "days")),
        (ROME, (Tier("x", 0, first_month=0),), ("tiers", "0", "firstMonth")),
        (ROME, (Tier("x", 0, last_month=13),), ("tiers", "0", "lastMonth")),
        (ROME, (Tier("x", 0, from_minute=1_440),), ("tiers", "0", "fromMinute")),
        (ROME, (Tier("x", 0, to_minute=0),), ("tiers", "0", "toMinute")),
        (ROME, (Tier("x", 0, from_minute=60, to_minute=60),), ("tiers", "0", "toMinute")),
    ],
)
def test_what_no_calendar_holds_is_refused(calendar: Calendar, tiers: tuple[Tier, ...], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValue) as refused:
        calendars.check(calendar, tiers)

    assert refused.value.path == path


def test_a_stored_tier_is_the_one_that_was_set() -> None:
    assert calendars.tiers_of([calendars.row_of(tier) for tier in TIERS]) == TIERS
