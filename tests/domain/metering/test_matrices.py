"""Readings as a matrix for allocation: whole, exact, summed, or refused by name."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.intervals import Period, day_start, intervals_in_day
from domain.metering.days import MISSING
from domain.metering.matrices import PointDays, ReadingsMissing, ResolutionTooCoarse, read_matrix
from domain.metering.tables import Direction
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values

ZONE = ZoneInfo("Europe/Luxembourg")
WITHDRAWN = Direction.WITHDRAWN


def days(first: date, end: date) -> Period:
    return Period(day_start(first, ZONE), day_start(end, ZONE))


async def test_gives_every_interval_of_a_spring_month_in_its_place(session: AsyncSession) -> None:
    points = [await a_metering_point(session) for _ in range(3)]
    random = np.random.default_rng(7)
    march = [date(2026, 3, 1) + timedelta(days=number) for number in range(31)]
    given = {
        (point.id, day): random.integers(0, 10**9, intervals_in_day(day, ZONE, 15)) for point in points for day in march
    }
    await recorded(session, *(a_reading_day(id, day=day, values_ukwh=each) for (id, day), each in given.items()))

    matrix = await read_matrix(
        await session.connection(),
        [PointDays(point.id) for point in points],
        WITHDRAWN,
        days(date(2026, 3, 1), date(2026, 4, 1)),
        15,
    )

    expected = np.stack([np.concatenate([given[point.id, day] for day in march]) for point in points], axis=1)
    assert matrix.shape == (31 * 96 - 4, 3)
    np.testing.assert_array_equal(matrix, expected)


async def test_sums_quarter_hours_to_hours_and_reads_hours_beside(session: AsyncSession) -> None:
    fine, hourly = await a_metering_point(session), await a_metering_point(session)
    await recorded(
        session,
        a_reading_day(fine.id, values_ukwh=np.arange(96)),
        a_reading_day(hourly.id, values_ukwh=np.arange(24)),
    )

    matrix = await read_matrix(
        await session.connection(),
        [PointDays(hourly.id), PointDays(fine.id)],
        WITHDRAWN,
        days(A_DAY, A_DAY + timedelta(days=1)),
        60,
    )

    np.testing.assert_array_equal(matrix[:, 0], np.arange(24))
    np.testing.assert_array_equal(matrix[:, 1], np.arange(96).reshape(24, 4).sum(axis=1))


async def test_reads_the_current_version(session: AsyncSession) -> None:
    point = await a_metering_point(session)
    await recorded(session, a_reading_day(point.id))
    await recorded(session, a_reading_day(point.id, values_ukwh=values(3)))

    matrix = await read_matrix(
        await session.connection(), [PointDays(point.id)], WITHDRAWN, days(A_DAY, A_DAY + timedelta(days=1)), 15
    )

    np.testing.assert_array_equal(matrix, np.full((96, 1), 3))


async def test_leaves_days_that_are_not_wanted_at_zero(session: AsyncSession) -> None:
    point = await a_metering_point(session)
    following = A_DAY + timedelta(days=1)
    await recorded(session, a_reading_day(point.id), a_reading_day(point.id, day=following))
    period = days(A_DAY, following + timedelta(days=1))

    matrix = await read_matrix(
        await session.connection(),
        [PointDays(point.id, end_day=following), PointDays(point.id, first_day=following)],
        WITHDRAWN,
        period,
        15,
    )

    np.testing.assert_array_equal(matrix.sum(axis=0), [24_000_000, 24_000_000])
    assert not matrix[96:, 0].any()
    assert not matrix[:96, 1].any()


async def test_names_the_days_that_are_missing_or_incomplete(session: AsyncSession) -> None:
    point, other = await a_metering_point(session), await a_metering_point(session)
    partial = values()
    partial[95] = MISSING
    second, third = A_DAY + timedelta(days=1), A_DAY + timedelta(days=2)
    await recorded(
        session,
        a_reading_day(point.id),
        a_reading_day(point.id, day=second, values_ukwh=partial),
        a_reading_day(point.id, day=third),
        *(a_reading_day(other.id, day=day) for day in (A_DAY, second)),
    )

    with pytest.raises(ReadingsMissing) as refusal:
        await read_matrix(
            await session.connection(),
            [PointDays(point.id), PointDays(other.id)],
            WITHDRAWN,
            days(A_DAY, third + timedelta(days=1)),
            15,
        )

    assert (refusal.value.days, refusal.value.count) == (((point.id, second), (other.id, third)), 2)


async def test_refuses_to_divide_hours(session: AsyncSession) -> None:
    point = await a_metering_point(session)
    await recorded(session, a_reading_day(point.id, values_ukwh=values(1, 24)))

    with pytest.raises(ResolutionTooCoarse):
        await read_matrix(
            await session.connection(), [PointDays(point.id)], WITHDRAWN, days(A_DAY, A_DAY + timedelta(days=1)), 15
        )


async def test_refuses_a_period_that_is_not_whole_local_days(session: AsyncSession) -> None:
    point = await a_metering_point(session)

    with pytest.raises(InvalidValue):
        await read_matrix(
            await session.connection(),
            [PointDays(point.id)],
            WITHDRAWN,
            Period(datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC)),
            15,
        )


async def test_refuses_a_point_that_does_not_exist(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await read_matrix(
            await session.connection(), [PointDays(new_id())], WITHDRAWN, days(A_DAY, A_DAY + timedelta(days=1)), 15
        )
