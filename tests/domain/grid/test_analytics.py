from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid import analytics
from domain.grid.analytics import Health, Signs, Summary
from domain.grid.loads import CongestionLevel
from domain.grid.tables import AlertKind, GridAlert, Severity, ZoneHalt, ZoneLoad
from domain.kernel.database import new_id
from domain.kernel.intervals import Period
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from tests.factories.grid import an_operator
from tests.factories.identity import a_viewer, an_admin
from tests.factories.market import a_zone

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
DAY = Period(NOON - 12 * HOUR, NOON + 12 * HOUR)


async def a_load(session: AsyncSession, zone_id: UUID, start: datetime, used_ppm: int | None, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "version": 1,
        "injected_ukwh": 0,
        "withdrawn_ukwh": 0,
        "net_export_ukwh": 0,
        "direction": Direction.WITHDRAWN,
        "load_w": 0,
        "capacity_w": None if used_ppm is None else 1,
        "measured_at": NOON,
    }
    session.add(ZoneLoad(zone_id=zone_id, interval_start=start, utilisation_ppm=used_ppm, **(facts | changes)))
    await session.flush()


async def a_halt(session: AsyncSession, zone_id: UUID, start: datetime, **ends: datetime) -> None:
    session.add(ZoneHalt(zone_id=zone_id, reason="x", started_at=start, **ends))
    await session.flush()


async def an_alert(session: AsyncSession, zone_id: UUID, severity: Severity, start: datetime, **ends: datetime) -> None:
    facts = {"kind": AlertKind.OUTAGE, "title": "x", "text": "x"}
    session.add(GridAlert(zone_id=zone_id, severity=severity, starts_at=start, **facts, **ends))
    await session.flush()


async def test_spans_of_a_period_are_added_up_within_it(session: AsyncSession) -> None:
    zone_id, other = await a_zone(session), await a_zone(session)
    for i, used in enumerate((100_000, 899_999, 900_000, 1_000_000, 2_500_000, None)):
        await a_load(session, zone_id, NOON - i * QUARTER, used)
    await a_load(session, zone_id, NOON, 950_000, version=2)
    await a_load(session, zone_id, DAY.start - QUARTER, 999_999_999)
    await a_halt(session, zone_id, DAY.start - HOUR, lifted_at=DAY.start + HOUR)
    await a_halt(session, zone_id, NOON - HOUR)
    await an_alert(session, zone_id, Severity.NOTICE, DAY.start - HOUR, ends_at=DAY.start)
    await an_alert(session, zone_id, Severity.NOTICE, DAY.start - HOUR, ends_at=NOON)
    await an_alert(session, zone_id, Severity.NOTICE, NOON + HOUR)

    found = await analytics.summaries(session, [zone_id, other], DAY, an_admin(), now=NOON)

    assert found[zone_id] == Summary(
        measured=5 * QUARTER,
        congested=4 * QUARTER,
        overloaded=2 * QUARTER,
        halted=2 * HOUR,
        peak_utilisation_ppm=2_500_000,
        alerts=2,
    )
    assert found[other] == Summary()


async def test_what_is_withheld_counts_for_who_operates_the_zone_only(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    few = Suppression.FEWER_THAN_FIVE
    await a_load(session, zone_id, NOON, 100_000, injected_withheld=few)
    await a_load(session, zone_id, NOON - QUARTER, 200_000, withdrawn_withheld=few)
    await a_load(session, zone_id, NOON - 2 * QUARTER, 300_000)
    await a_load(session, zone_id, NOON - 3 * QUARTER, 400_000, injected_ukwh=None, withdrawn_ukwh=None)

    counted = []
    for viewer in (a_viewer(), await an_operator(session, new_id()), await an_operator(session, zone_id), an_admin()):
        found = await analytics.summaries(session, [zone_id], DAY, viewer, now=NOON)
        counted.append(found[zone_id].measured / QUARTER)

    assert counted == [2, 2, 4, 4]


async def test_peaks_are_of_hours_for_who_does_not_operate_the_zone(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    for place, used in enumerate((100_000, 200_000, 2_100_000, 0)):
        await a_load(session, zone_id, NOON + place * QUARTER, used)

    found = [
        (await analytics.summaries(session, [zone_id], DAY, viewer, now=NOON))[zone_id]
        for viewer in (a_viewer(), await an_operator(session, zone_id))
    ]

    assert [(each.peak_utilisation_ppm, each.overloaded) for each in found] == [
        (600_000, 0 * HOUR),
        (2_100_000, QUARTER),
    ]


async def test_signs_are_of_now(session: AsyncSession) -> None:
    calm, busy, dark = [await a_zone(session) for _ in range(3)]
    await a_load(session, calm, NOON - QUARTER, 100_000)
    await a_load(session, calm, NOON + QUARTER, 2_000_000)  # Has not begun.
    await an_alert(session, calm, Severity.CRITICAL, NOON + HOUR)
    await a_load(session, busy, NOON, 950_000)
    await an_alert(session, busy, Severity.WARNING, NOON - HOUR)
    await an_alert(session, busy, Severity.NOTICE, NOON - HOUR)
    await a_load(session, dark, NOON - 2 * HOUR, 950_000)
    await a_halt(session, dark, NOON - HOUR)

    found = await analytics.signs(session, [calm, busy, dark], an_admin(), now=NOON)

    assert found == {
        calm: Signs(level=CongestionLevel.NORMAL),
        busy: Signs(worst_alert=Severity.WARNING, level=CongestionLevel.CONGESTED),
        dark: Signs(is_halted=True),
    }


@pytest.mark.parametrize(
    ("signs", "health"),
    [
        (Signs(is_halted=True, level=CongestionLevel.OVERLOADED), Health.HALTED),
        (Signs(level=CongestionLevel.OVERLOADED), Health.CRITICAL),
        (Signs(worst_alert=Severity.CRITICAL, level=CongestionLevel.NORMAL), Health.CRITICAL),
        (Signs(level=CongestionLevel.ELEVATED), Health.STRESSED),
        (Signs(level=CongestionLevel.CONGESTED), Health.STRESSED),
        (Signs(worst_alert=Severity.WARNING), Health.STRESSED),
        (Signs(worst_alert=Severity.NOTICE, level=CongestionLevel.NORMAL), Health.HEALTHY),
        (Signs(worst_alert=Severity.NOTICE), Health.UNKNOWN),
        (Signs(), Health.UNKNOWN),
    ],
)
def test_health_is_the_worst_that_is_told(signs: Signs, health: Health) -> None:
    assert analytics.health_of(signs) is health
