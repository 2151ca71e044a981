"""Packed series: sums in their place, shares, gaps and refusals."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period, Resolution, day_start, intervals_in_day
from domain.kernel.quantities import UKWH_PER_KWH
from domain.metering.days import MISSING
from domain.metering.matrices import ResolutionTooCoarse
from domain.metering.series import PointShare, Series, grid, read_series
from domain.metering.tables import Direction
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values

ZONE = ZoneInfo("Europe/Luxembourg")
WITHDRAWN, INJECTED = Direction.WITHDRAWN, Direction.INJECTED
DAY = timedelta(days=1)


def days(first: date, end: date) -> Period:
    return Period(day_start(first, ZONE), day_start(end, ZONE))


def share(metering_point_id: UUID, **overrides: Any) -> PointShare:
    return PointShare(metering_point_id, **({"directions": frozenset({WITHDRAWN})} | overrides))


async def series(session: AsyncSession, shares: list[PointShare], period: Period, resolution: Resolution) -> Series:
    return await read_series(await session.connection(), shares, grid(period, resolution, ZONE))


@pytest.mark.parametrize("resolution", [Resolution.QUARTER_HOUR, Resolution.HOUR, Resolution.DAY])
async def test_puts_a_spring_week_where_it_belongs(session: AsyncSession, resolution: Resolution) -> None:
    point = await a_metering_point(session)
    random = np.random.default_rng(3)
    week = [date(2026, 3, 27) + timedelta(days=number) for number in range(5)]
    given = [random.integers(0, 10**7, intervals_in_day(day, ZONE, 15)) for day in week]
    await recorded(
        session, *(a_reading_day(point.id, day=day, values_ukwh=each) for day, each in zip(week, given, strict=True))
    )

    result = await series(session, [share(point.id)], days(week[0], week[-1] + DAY), resolution)

    flat = np.concatenate(given)
    expected = {
        Resolution.QUARTER_HOUR: flat,
        Resolution.HOUR: flat.reshape(-1, 4).sum(axis=1),
        Resolution.DAY: np.array([each.sum() for each in given]),
    }[resolution]
    np.testing.assert_allclose(result.kwh[WITHDRAWN], expected / UKWH_PER_KWH, rtol=1e-12)
    assert not result.missing[WITHDRAWN].size
    assert not result.kwh[INJECTED].any()


async def test_sums_points_by_their_share_while_they_take_part(session: AsyncSession) -> None:
    whole, half, late = [await a_metering_point(session) for _ in range(3)]
    following = A_DAY + DAY
    await recorded(
        session,
        *(a_reading_day(point.id, day=day) for point in (whole, half, late) for day in (A_DAY, following)),
    )
    shares = [share(whole.id), share(half.id, factor_ppm=500_000), share(late.id, first_day=following)]

    result = await series(session, shares, days(A_DAY, following + DAY), Resolution.DAY)

    np.testing.assert_allclose(result.kwh[WITHDRAWN], [36, 60])
    assert not result.missing[WITHDRAWN].size


async def test_months_are_local_months(session: AsyncSession) -> None:
    point = await a_metering_point(session)
    await recorded(
        session, a_reading_day(point.id, day=date(2025, 12, 31)), a_reading_day(point.id, day=date(2026, 1, 1))
    )

    result = await series(session, [share(point.id)], days(date(2025, 12, 1), date(2026, 3, 1)), Resolution.MONTH)

    np.testing.assert_allclose(result.kwh[WITHDRAWN], [24, 24, 0])
    assert result.missing[WITHDRAWN].tolist() == [0, 1, 2]


async def test_names_intervals_in_which_something_is_missing(session: AsyncSession) -> None:
    point, other = await a_metering_point(session), await a_metering_point(session)
    partial = values()
    partial[2] = MISSING
    await recorded(session, a_reading_day(point.id, values_ukwh=partial), a_reading_day(other.id))
    shares = [share(point.id), share(other.id)]
    hour = Period(day_start(A_DAY, ZONE), day_start(A_DAY, ZONE) + timedelta(hours=2))

    quarters = await series(session, shares, hour, Resolution.QUARTER_HOUR)
    hours = await series(session, shares, hour, Resolution.HOUR)
    whole = await series(session, shares, days(A_DAY, A_DAY + DAY), Resolution.DAY)

    np.testing.assert_allclose(quarters.kwh[WITHDRAWN], [0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert quarters.missing[WITHDRAWN].tolist() == [2]
    assert hours.missing[WITHDRAWN].tolist() == [0]
    assert whole.missing[WITHDRAWN].tolist() == [0]


async def test_without_readings_everything_is_missing(session: AsyncSession) -> None:
    point = await a_metering_point(session)

    result = await series(session, [share(point.id)], days(A_DAY, A_DAY + DAY), Resolution.HOUR)

    assert result.missing[WITHDRAWN].tolist() == list(range(24))
    assert not result.missing[INJECTED].size


async def test_refuses_to_divide_hours(session: AsyncSession) -> None:
    point = await a_metering_point(session)
    await recorded(session, a_reading_day(point.id, values_ukwh=values(4_000_000, 24)))

    with pytest.raises(ResolutionTooCoarse):
        await series(session, [share(point.id)], days(A_DAY, A_DAY + DAY), Resolution.QUARTER_HOUR)

    assert (await series(session, [share(point.id)], days(A_DAY, A_DAY + DAY), Resolution.DAY)).kwh[WITHDRAWN] == [96]


@pytest.mark.parametrize(
    ("start", "end", "resolution"),
    [
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), Resolution.QUARTER_HOUR),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), Resolution.DAY),
        (datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 15, 23, tzinfo=UTC), Resolution.MONTH),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 15, 4, 15, tzinfo=UTC), Resolution.QUARTER_HOUR),
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), Resolution.MONTH),
    ],
)
def test_refuses_periods_that_do_not_fit(start: datetime, end: datetime, resolution: Resolution) -> None:
    with pytest.raises(InvalidValue):
        grid(Period(start, end), resolution, ZONE)
