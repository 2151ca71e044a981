"""What is held rather than stored, and why."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import filling
from domain.communities.tables import Asset, AssetKind
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotAllowed
from domain.metering import readings
from domain.metering.days import MISSING, ReadingDay, blocks_of
from domain.metering.holding import gate as gates
from domain.metering.holding.gate import Gate
from domain.metering.readings import Recorded
from domain.metering.tables import HeldReadings, HoldDecision, HoldReason, MeteringPoint, Quality, Reading
from tests.factories.communities import a_community, a_membership, a_participation, a_viewer_through, an_administrator
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

NOW = datetime(2026, 2, 1, tzinfo=UTC)
HOUR_LONG = values(1_000_000, 24)


@pytest.fixture
async def point(session: AsyncSession) -> MeteringPoint:
    return await a_metering_point(session)


async def sent(session: AsyncSession, *days: ReadingDay) -> Recorded:
    """Days as a file or a gateway brings them."""
    gate = await filling.gate_for(session, sorted({day.metering_point_id for day in days}), "test")
    return await readings.record_days(session, blocks_of(days), source="test", sender="test", gate=gate)


async def held(session: AsyncSession) -> list[Any]:
    query = select(HeldReadings.reasons, HeldReadings.quality, HeldReadings.highest_ukwh).order_by(HeldReadings.id)
    return [tuple(row) for row in await session.execute(query)]


async def current(session: AsyncSession) -> list[Any]:
    query = select(Reading.quality, Reading.total_ukwh).where(Reading.superseded_at.is_(None)).order_by(Reading.day)
    return [tuple(row) for row in await session.execute(query)]


async def test_a_file_sent_again_after_another_correction_counts_again(
    session: AsyncSession, point: MeteringPoint
) -> None:
    first, second = a_reading_day(point.id), a_reading_day(point.id, values_ukwh=values(500_000))

    reports = [await sent(session, day) for day in (first, second, first, first)]

    assert [(report.created, report.corrected, report.is_repeated) for report in reports] == [
        (1, 0, False),
        (0, 1, False),
        (0, 1, False),
        (0, 0, True),
    ]
    assert await current(session) == [(Quality.MEASURED, 24_000_000)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quality": Quality.ESTIMATED}, HoldReason.WORSE_QUALITY),
        ({"quality": Quality.SUBSTITUTED, "values_ukwh": values(1)}, HoldReason.WORSE_QUALITY),
        ({"values_ukwh": HOUR_LONG}, HoldReason.COARSER_RESOLUTION),
        ({"values_ukwh": values([26_000_000] + [0] * 95)}, None),
        ({"values_ukwh": values([28_000_000] + [0] * 95)}, HoldReason.ABOVE_CONNECTION_POWER),
    ],
)
async def test_better_readings_are_not_displaced_unsaid(
    session: AsyncSession, point: MeteringPoint, change: dict[str, Any], reason: HoldReason | None
) -> None:
    await sent(session, a_reading_day(point.id))

    report = await sent(session, a_reading_day(point.id, **change))
    again = await sent(session, a_reading_day(point.id, **change))

    expected = [] if reason is None else [[reason.value]]
    assert [reasons for reasons, _, _ in await held(session)] == expected
    assert (report.held, report.corrected) == (len(expected), 1 - len(expected))
    assert again.is_repeated
    assert await current(session) == [(Quality.MEASURED, 26_000_000 if reason is None else 24_000_000)]


async def test_finer_and_better_readings_take_the_place_of_coarser_and_worse(
    session: AsyncSession, point: MeteringPoint
) -> None:
    await sent(session, a_reading_day(point.id, values_ukwh=HOUR_LONG, quality=Quality.ESTIMATED))

    report = await sent(session, a_reading_day(point.id))

    assert (report.corrected, report.held) == (1, 0)


@pytest.mark.parametrize(
    ("power_w", "plant_w", "highest_ukwh", "is_held"),
    [
        (None, None, 27_500_000, False),
        (None, None, 27_500_001, True),
        (None, None, 23_944_000_000, True),
        (6_000, None, 1_650_000, False),
        (6_000, None, 1_650_001, True),
        (None, 800_000, 220_000_000, False),
        (None, 800_000, 220_000_001, True),
        (400_000, 8_000, 110_000_000, False),
    ],
)
async def test_no_value_is_more_than_the_point_can_carry(
    session: AsyncSession, power_w: int | None, plant_w: int | None, highest_ukwh: int, is_held: bool
) -> None:
    point = await a_metering_point(session, connection_power_w=power_w)
    if plant_w is not None:
        community = await a_community(session)
        facts = {"name": "Plant", "kind": AssetKind.PV, "power_w": plant_w}
        session.add(Asset(community_id=community.id, metering_point_id=point.id, **facts))
    one = values(MISSING)
    one[7] = highest_ukwh

    report = await sent(
        session, a_reading_day(point.id, values_ukwh=one), a_reading_day(point.id, day=date(2026, 1, 16))
    )

    assert (report.held, report.created) == (int(is_held), 2 - is_held)
    assert [highest for _, _, highest in await held(session)] == [highest_ukwh] * is_held


async def test_a_file_of_which_all_is_implausible_is_refused(
    session: AsyncSession, point: MeteringPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "HELD_DAYS_MAX", 1)
    days = [a_reading_day(point.id, day=date(2026, 1, day), values_ukwh=values(10**11)) for day in (1, 2)]

    with pytest.raises(InvalidValue):
        await sent(session, *days)


@pytest.mark.parametrize("decision", HoldDecision)
async def test_an_administrator_decides_once(session: AsyncSession, decision: HoldDecision) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community)
    participation = await a_participation(session, membership, await a_metering_point(session))
    day = a_reading_day(participation.metering_point_id, quality=Quality.ESTIMATED, values_ukwh=values(1_000))
    await recorded(session, a_reading_day(participation.metering_point_id))
    await sent(session, day)
    [held_id] = await session.scalars(select(HeldReadings.id))
    administrator: Viewer = await an_administrator(session, community)

    with pytest.raises(NotAllowed):
        await filling.decide(session, held_id, decision, by=a_viewer_through(membership), now=NOW)
    await filling.decide(session, held_id, decision, by=administrator, now=NOW)
    with pytest.raises(filling.HeldDecided):
        await filling.decide(session, held_id, decision, by=administrator, now=NOW)

    is_released = decision is HoldDecision.RELEASED
    assert await current(session) == [(Quality.ESTIMATED, 96_000) if is_released else (Quality.MEASURED, 24_000_000)]
    after = await sent(session, day)
    assert (after.unchanged, after.held) == ((1, 0) if is_released else (0, 1))


def test_an_open_gate_lets_everything_in() -> None:
    [block] = blocks_of([a_reading_day(new_id(), values_ukwh=values(10**12))])
    bounded = {block.metering_point_ids[0]: 1}

    assert not Gate("test", bounded, is_open=True).exceeded(block).any()
    assert Gate("test", bounded).exceeded(block).all()
