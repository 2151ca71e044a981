"""Quiet hours: when they hold and when they end, also where clocks are changed."""

from datetime import UTC, datetime, time

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import InvalidValue
from domain.notifications import quiet_hours
from domain.notifications.tables import QuietHours
from tests.factories.identity import a_user


def hours(start: str, end: str, timezone: str = "Europe/Luxembourg") -> QuietHours:
    return QuietHours(starts_at=time.fromisoformat(start), ends_at=time.fromisoformat(end), timezone=timezone)


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-01-10T20:59:59Z", None),  # A second before ten, local time.
        ("22:00", "07:00", "2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"),
        ("22:00", "07:00", "2026-01-11T05:59:59Z", "2026-01-11T06:00:00Z"),
        ("22:00", "07:00", "2026-01-11T06:00:00Z", None),
        ("12:00", "14:00", "2026-07-10T10:00:00Z", "2026-07-10T12:00:00Z"),
        ("12:00", "14:00", "2026-07-10T12:00:00Z", None),
        ("12:00", "14:00", "2026-07-10T20:00:00Z", None),
        ("00:00", "23:59", "2026-01-10T12:00:00Z", "2026-01-10T22:59:00Z"),
        # The clocks go forward at 02:00 on 29 March: an end at 02:30 is skipped, and taken by the hour before.
        ("22:00", "02:30", "2026-03-28T23:00:00Z", "2026-03-29T01:30:00Z"),
        # They go back at 03:00 on 25 October: 02:30 comes twice.
        ("22:00", "02:30", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
        ("22:00", "02:30", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_quiet_ends_at_the_local_time(start: str, end: str, now: str, until: str | None) -> None:
    found = quiet_hours.until(hours(start, end), datetime.fromisoformat(now))

    assert found == (until and datetime.fromisoformat(until))


async def test_hours_are_set_anew_and_ended(session: AsyncSession) -> None:
    user = await a_user(session)
    query = select(QuietHours.starts_at, QuietHours.ends_at, QuietHours.timezone)

    await quiet_hours.set_hours(session, user.id, ("22:00", "07:00", "Europe/Rome"))
    await quiet_hours.set_hours(session, user.id, ("23:30", "06:00", "Europe/Luxembourg"))
    is_set = (await session.execute(query)).all()
    await quiet_hours.set_hours(session, user.id, None)

    assert [tuple(row) for row in is_set] == [(time(23, 30), time(6, 0), "Europe/Luxembourg")]
    assert (await session.execute(query)).all() == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (("25:00", "07:00", "Europe/Rome"), ("hours", "start")),
        (("22:00", "7 o'clock", "Europe/Rome"), ("hours", "end")),
        (("22:00", "22:00", "Europe/Rome"), ("hours", "end")),
        (("22:00", "07:00", "Mars/Olympus"), ("hours", "timezone")),
        (("22:00", "07:00", "../../etc/passwd"), ("hours", "timezone")),
        (("\x00", "07:00", "Europe/Rome"), ("hours", "start")),
    ],
)
async def test_hours_that_are_none_are_refused(
    session: AsyncSession, given: tuple[str, str, str], path: tuple[str, ...]
) -> None:
    user = await a_user(session)

    with pytest.raises(InvalidValue) as refused:
        await quiet_hours.set_hours(session, user.id, given)

    assert refused.value.path == path
    assert (await session.scalars(select(QuietHours.user_id))).all() == []


def test_the_end_is_after_now_wherever_it_holds() -> None:
    for minute in range(0, 24 * 60, 7):
        now = datetime(2026, 10, 25, minute // 60, minute % 60, tzinfo=UTC)
        found = quiet_hours.until(hours("21:00", "20:00"), now)
        assert found is None or found > now
