"""What the store of readings keeps, fills, corrects and refuses."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.audit.tables import AuditEntry
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotFound
from domain.metering.days import MISSING, blocks_of
from domain.metering.readings import DirectionNotMetered, Recorded, ResolutionDiffers
from domain.metering.tables import Direction, MeteringPoint, Quality, Reading, ReadingImport
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values

SPRING, AUTUMN = date(2026, 3, 29), date(2025, 10, 26)


@pytest.fixture
async def point(session: AsyncSession) -> MeteringPoint:
    return await a_metering_point(session)


async def stored(session: AsyncSession) -> list[Any]:
    """All versions: version, quality, total, values, whether superseded."""
    rows = await session.execute(
        select(
            Reading.version, Reading.quality, Reading.total_ukwh, Reading.values_ukwh, Reading.superseded_at
        ).order_by(Reading.day, Reading.version)
    )
    return [(version, quality, total, given, at is not None) for version, quality, total, given, at in rows]


def counts(report: Recorded) -> tuple[int, int, int, int]:
    return report.created, report.filled, report.corrected, report.unchanged


def partly(known: int, each: int = 250_000) -> Any:
    """A day of which the first values are known."""
    day = values(each)
    day[known:] = MISSING
    return day


async def test_keeps_a_new_day_with_its_total(session: AsyncSession, point: MeteringPoint) -> None:
    report = await recorded(session, a_reading_day(point.id, values_ukwh=values(range(96))))

    assert counts(report) == (1, 0, 0, 0)
    assert report.values == 96
    assert await stored(session) == [(1, Quality.MEASURED, 4_560, list(range(96)), False)]


async def test_keeps_days_of_every_length_and_both_directions(session: AsyncSession, point: MeteringPoint) -> None:
    days = [
        a_reading_day(point.id, day=day, direction=direction, values_ukwh=values(7, count))
        for day, count in ((SPRING, 92), (A_DAY, 96), (AUTUMN, 100), (date(2026, 3, 28), 48), (date(2025, 10, 25), 24))
        for direction in Direction
    ]

    report = await recorded(session, *days)

    kept = await stored(session)
    assert counts(report) == (10, 0, 0, 0)
    assert sorted(len(row[3]) for row in kept) == [24, 24, 48, 48, 92, 92, 96, 96, 100, 100]
    assert all(row[2] == 7 * len(row[3]) for row in kept)


async def test_the_same_days_again_change_nothing(session: AsyncSession, point: MeteringPoint) -> None:
    day = a_reading_day(point.id)
    first = await recorded(session, day)
    before = await stored(session)

    again = await recorded(session, day)
    elsewhere = await recorded(session, day, source="another file")

    assert again == replace(first, created=0, unchanged=1, is_repeated=True)
    assert counts(elsewhere) == (0, 0, 0, 1)
    assert await stored(session) == before


async def test_fills_what_was_missing_in_place(session: AsyncSession, point: MeteringPoint) -> None:
    await recorded(session, a_reading_day(point.id, values_ukwh=partly(2)))

    report = await recorded(session, a_reading_day(point.id, values_ukwh=partly(96)))

    assert counts(report) == (0, 1, 0, 0)
    assert await stored(session) == [(1, Quality.MEASURED, 24_000_000, [250_000] * 96, False)]


async def test_a_day_filled_with_worse_values_is_of_the_worse_quality(
    session: AsyncSession, point: MeteringPoint
) -> None:
    await recorded(session, a_reading_day(point.id, values_ukwh=partly(1)))
    second = values(MISSING)
    second[1] = 5

    await recorded(session, a_reading_day(point.id, values_ukwh=second, quality=Quality.ESTIMATED))

    assert await stored(session) == [(1, Quality.ESTIMATED, 250_005, [250_000, 5] + [None] * 94, False)]


async def test_a_correction_is_a_new_version_and_the_old_one_stays(session: AsyncSession, point: MeteringPoint) -> None:
    await recorded(session, a_reading_day(point.id))
    one = values(MISSING)
    one[3] = 0

    report = await recorded(session, a_reading_day(point.id, values_ukwh=one))

    corrected = [250_000] * 96
    corrected[3] = 0
    assert counts(report) == (0, 0, 1, 0)
    assert await stored(session) == [
        (1, Quality.MEASURED, 24_000_000, [250_000] * 96, True),
        (2, Quality.MEASURED, 23_750_000, corrected, False),
    ]
    assert await session.scalar(select(ReadingImport.corrected_days).where(ReadingImport.id == report.import_id)) == 1


async def test_equal_values_of_another_quality_are_a_new_version(session: AsyncSession, point: MeteringPoint) -> None:
    await recorded(session, a_reading_day(point.id, quality=Quality.ESTIMATED))

    report = await recorded(session, a_reading_day(point.id))

    assert counts(report) == (0, 0, 1, 0)
    assert [row[:2] for row in await stored(session)] == [(1, Quality.ESTIMATED), (2, Quality.MEASURED)]


async def test_one_import_may_create_fill_correct_and_repeat(session: AsyncSession, point: MeteringPoint) -> None:
    others = [await a_metering_point(session) for _ in range(3)]
    await recorded(
        session,
        a_reading_day(others[0].id, values_ukwh=partly(9)),
        a_reading_day(others[1].id, values_ukwh=values(1)),
        a_reading_day(others[2].id),
    )

    report = await recorded(session, *(a_reading_day(each.id) for each in (point, *others)))

    assert counts(report) == (1, 1, 1, 1)


async def test_a_whole_day_of_finer_intervals_supersedes(session: AsyncSession, point: MeteringPoint) -> None:
    await recorded(session, a_reading_day(point.id, values_ukwh=values(1_000_000, 24)))

    report = await recorded(session, a_reading_day(point.id))

    assert counts(report) == (0, 0, 1, 0)
    assert [(row[0], len(row[3]), row[4]) for row in await stored(session)] == [(1, 24, True), (2, 96, False)]


async def test_leaves_an_audit_entry(session: AsyncSession, point: MeteringPoint) -> None:
    report = await recorded(session, a_reading_day(point.id))

    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.subject_id == report.import_id))).one()
    assert (entry.act, entry.actor, entry.facts["created"]) == ("readings.record", "test", 1)


def a_wrong_day(point: MeteringPoint, fault: str) -> Any:
    day = a_reading_day(point.id)
    partial = values(MISSING, 24)
    partial[0] = 1
    return {
        "unknown point": replace(day, metering_point_id=new_id()),
        "too few intervals": replace(day, values_ukwh=values(1, 95)),
        "length of another day": replace(day, day=SPRING),
        "too early": replace(day, day=date(1999, 12, 31)),
        "in the future": replace(day, day=date(2126, 1, 15)),
        "negative": replace(day, values_ukwh=values(-2)),
        "too large": replace(day, values_ukwh=values(10**12 + 1)),
        "empty": replace(day, values_ukwh=values(MISSING)),
        "part of another resolution": replace(day, values_ukwh=partial),
    }[fault]


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        ("unknown point", NotFound),
        ("too few intervals", InvalidValue),
        ("length of another day", InvalidValue),
        ("too early", InvalidValue),
        ("in the future", InvalidValue),
        ("negative", InvalidValue),
        ("too large", InvalidValue),
        ("empty", InvalidValue),
        ("part of another resolution", ResolutionDiffers),
    ],
)
async def test_refuses_a_day_and_keeps_nothing(
    session: AsyncSession, point: MeteringPoint, fault: str, refusal: type[Exception]
) -> None:
    await recorded(session, a_reading_day(point.id))
    before = await stored(session)
    imports = await session.scalar(select(func.count()).select_from(ReadingImport))

    with pytest.raises(refusal):
        async with session.begin_nested():
            await recorded(session, a_wrong_day(point, fault), a_reading_day(point.id, day=date(2026, 1, 16)))

    assert await stored(session) == before
    assert await session.scalar(select(func.count()).select_from(ReadingImport)) == imports


async def test_refuses_a_direction_that_is_not_metered(session: AsyncSession) -> None:
    point = await a_metering_point(session, directions=["WITHDRAWN"])

    with pytest.raises(DirectionNotMetered):
        await recorded(session, a_reading_day(point.id, direction=Direction.INJECTED))

    assert await stored(session) == []


def test_refuses_a_day_that_stands_twice() -> None:
    day = a_reading_day(new_id())

    with pytest.raises(InvalidValue, match="twice"):
        blocks_of([day, replace(day, values_ukwh=np.arange(96))])


async def test_two_writers_of_one_day_take_turns(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, connect_args={"server_settings": {"role": "commonwatt_app"}})
    async with AsyncSession(engine) as session, session.begin():
        point_id = (await a_metering_point(session)).id

    async def write(number: int) -> Recorded:
        own = values(MISSING)
        own[number] = number
        async with AsyncSession(engine) as session, session.begin():
            return await recorded(session, a_reading_day(point_id, values_ukwh=own), source=f"writer {number}")

    reports = await asyncio.gather(*(write(number) for number in range(8)))

    async with AsyncSession(engine) as session:
        [(version, _, total, kept, _)] = await stored(session)
    await engine.dispose()
    assert sorted(counts(report) for report in reports) == [(0, 1, 0, 0)] * 7 + [(1, 0, 0, 0)]
    assert (version, total, kept) == (1, sum(range(8)), [*range(8), *[None] * 88])
