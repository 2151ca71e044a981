"""Measured loads, congestion and analytics: the job that measures, and what it shows to whom."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.grid import jobs
from api.jobs import registry
from api.jobs.work import carry_out
from api.market.view.analytics import PriceTrend, trend_of
from domain.grid import capacities
from domain.grid.tables import GridAlert, ZoneHalt, ZoneLoad
from domain.grid.words import MEASURE_GRID
from domain.identity.viewers import ANONYMOUS
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.intervals import floor_to
from domain.kernel.suppression import Suppression
from domain.market.orders import halting
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places.tables import Market
from domain.metering.tables import Direction
from tests.api.conftest import Execute
from tests.api.market.conftest import Live
from tests.domain.market.clearing.batches import clear
from tests.factories.communities import a_community, a_membership, a_participation
from tests.factories.geography import a_substation_area
from tests.factories.grid import an_operator
from tests.factories.market import (
    BUY,
    QUARTER,
    SELL,
    a_market,
    a_trader,
    a_zone,
    an_order,
    first_delivery,
    linked_markets,
    now,
)
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

LOAD = """query ($id: ID!, $period: PeriodInput) { node(id: $id) { ... on MarketZone { load(period: $period) {
  start resolution injectedKwh withdrawnKwh netExportKwh direction loadKw capacityKw utilisation level
  suppressed { direction reason } } } } }"""
ANALYTICS = """query ($id: ID!, $period: PeriodInput!) { node(id: $id) { ... on MarketZone {
  analytics(period: $period) { health measuredHours congestionHours overloadHours peakUtilisation haltedHours alertCount
  price { mean before trend } flows { link { toZone { id } } energyKwh utilisation fullIntervals } } } } }"""
DAY = date(2026, 6, 10)
START = datetime(2026, 6, 10, tzinfo=UTC)


def span(start: datetime, intervals: int) -> dict[str, str]:
    return {"start": start.isoformat(), "end": (start + intervals * QUARTER).isoformat()}


async def zone_of(session: AsyncSession, market: UUID) -> UUID:
    zone = await session.scalar(select(Market.zone_id).where(Market.id == market))
    assert zone is not None
    return zone


async def a_row(session: AsyncSession, zone: UUID, start: datetime, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "version": 1,
        "injected_ukwh": 1_000_000,
        "withdrawn_ukwh": 11_000_000,
        "net_export_ukwh": -2_000_000,
        "direction": Direction.WITHDRAWN,
        "load_w": 40_000,
        "capacity_w": 50_000,
        "utilisation_ppm": 800_000,
        "measured_at": start,
    }
    session.add(ZoneLoad(zone_id=zone, interval_start=start, **(facts | changes)))
    await session.flush()


async def test_the_load_is_shown_by_quarter_hour_to_who_operates_the_zone(
    session: AsyncSession, execute: Execute
) -> None:
    zone = await a_zone(session)
    await a_row(session, zone, START, withdrawn_withheld=Suppression.DIFFERENCE)
    await a_row(session, zone, START + 2 * QUARTER, capacity_w=None, utilisation_ppm=None, version=1)

    asked = {"id": global_id("MarketZone", zone), "period": span(START, 3)}
    answer = await execute(LOAD, await an_operator(session, zone), **asked)

    assert answer.data["node"]["load"] == {
        "start": "2026-06-10T00:00:00Z",
        "resolution": "QUARTER_HOUR",
        "injectedKwh": [1.0, None, 1.0],
        "withdrawnKwh": [11.0, None, 11.0],
        "netExportKwh": [-2.0, None, -2.0],
        "direction": ["WITHDRAWN", None, "WITHDRAWN"],
        "loadKw": [40.0, None, 40.0],
        "capacityKw": [50.0, None, None],
        "utilisation": [0.8, None, None],
        "level": ["ELEVATED", None, None],
        "suppressed": [],
    }


async def test_others_get_the_load_by_hours_and_not_what_tells_of_few(session: AsyncSession, execute: Execute) -> None:
    """An hour of which a quarter is not known is not known; the newest version counts, whatever was told before."""
    zone = await a_zone(session)
    for place in range(4):
        await a_row(session, zone, START + place * QUARTER)
        await a_row(session, zone, START + (4 + place) * QUARTER)
    await a_row(session, zone, START + 5 * QUARTER, version=2, injected_withheld=Suppression.DOMINANCE)
    await a_row(session, zone, START + 8 * QUARTER)

    asked = {"id": global_id("MarketZone", zone), "period": span(START + QUARTER, 9)}
    answers = [await execute(LOAD, viewer, **asked) for viewer in (ANONYMOUS, await a_trader(session))]

    assert answers[0].data == answers[1].data
    assert answers[0].data["node"]["load"] == {
        "start": "2026-06-10T00:00:00Z",
        "resolution": "HOUR",
        "injectedKwh": [4.0, None, None],
        "withdrawnKwh": [44.0, 44.0, None],
        "netExportKwh": [-8.0, -8.0, None],
        "direction": ["WITHDRAWN", None, None],
        "loadKw": [40.0, None, None],
        "capacityKw": [50.0, None, None],
        "utilisation": [0.8, None, None],
        "level": ["ELEVATED", None, None],
        "suppressed": [{"direction": "INJECTED", "reason": "DOMINANCE"}],
    }


@pytest.mark.parametrize(
    "period",
    [
        span(START, 3_001),
        span(START + timedelta(minutes=1), 1),
        {"start": START.isoformat(), "end": START.isoformat()},
    ],
)
async def test_periods_that_cannot_be_shown_are_refused(
    session: AsyncSession, execute: Execute, period: dict[str, str]
) -> None:
    id = global_id("MarketZone", await a_zone(session))

    for document in (LOAD, ANALYTICS):
        answer = await execute(document, ANONYMOUS, id=id, period=period)
        assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", "period")]


async def test_without_a_period_the_load_is_that_of_about_now(session: AsyncSession, execute: Execute) -> None:
    zone = await a_zone(session)
    await a_row(session, zone, floor_to(now(), 15))

    answer = await execute(LOAD, await an_operator(session, zone), id=global_id("MarketZone", zone), period=None)

    assert [each for each in answer.data["node"]["load"]["loadKw"] if each] == [40.0]
    assert len(answer.data["node"]["load"]["loadKw"]) == 120


async def test_analytics_tell_of_flows_prices_and_health(session: AsyncSession, execute: Execute) -> None:
    cheap, dear = await linked_markets(session, kwh="4")
    zones = [await zone_of(session, market) for market in (cheap, dear)]
    await an_order(session, await a_trader(session), cheap, SELL, "5", "0.1")
    await an_order(session, await a_trader(session), dear, BUY, "5", "0.3")
    await clear(session, cheap)
    await a_row(session, zones[1], first_delivery(), utilisation_ppm=950_000)
    await halting.halt(session, await an_operator(session, zones[1]), zones[1], reason="x", expires_at=None, now=now())

    answer = await execute(ANALYTICS, ANONYMOUS, id=global_id("MarketZone", zones[1]), period=span(first_delivery(), 4))

    assert answer.errors == []
    assert answer.data["node"]["analytics"] == {
        "health": "HALTED",
        "measuredHours": "0.25",
        "congestionHours": "0.25",
        "overloadHours": "0",
        "peakUtilisation": "0.95",
        "haltedHours": "0",
        "alertCount": 0,
        "price": {"mean": "0.3", "before": None, "trend": None},
        "flows": [
            {
                "link": {"toZone": {"id": global_id("MarketZone", zones[1])}},
                "energyKwh": "4",
                "utilisation": "1",
                "fullIntervals": 1,
            }
        ],
    }


@pytest.mark.parametrize(
    ("mean", "before", "trend"),
    [
        (102, 100, PriceTrend.RISING),
        (98, 100, PriceTrend.FALLING),
        (101, 100, PriceTrend.STEADY),
        (-98, -100, PriceTrend.RISING),
        (-102, -100, PriceTrend.FALLING),
        (0, 0, PriceTrend.STEADY),
        (1, 0, PriceTrend.RISING),
    ],
)
def test_a_price_is_steady_within_two_percent(mean: int, before: int, trend: PriceTrend) -> None:
    assert trend_of(mean, before) is trend


async def test_the_job_measures_readings_and_tells_of_congestion_once(live: Live) -> None:
    at = floor_to(now(), 5)
    day = at.date() - timedelta(days=1)
    async with live.database.transaction() as session:
        zone = await a_zone(session)
        area = await a_substation_area(session, str(new_id()), market_zone_id=zone)
        community = await a_community(session)
        for _ in range(5):
            point = await a_metering_point(session, substation_area_id=area.id, timezone="UTC")
            await a_participation(session, await a_membership(session, community), point)
            for each in (day, at.date()):
                await recorded(session, a_reading_day(point.id, day=each, values_ukwh=values(5_000_000)))
        await capacities.put(
            session,
            await an_operator(session, zone),
            zone,
            Direction.WITHDRAWN,
            power_w=100_000,
            valid_from=at - timedelta(days=9),
            reason="x",
        )

    for name in ("first", "second"):
        async with live.database.transaction() as session:
            job_id = await queue.enqueue(session, MEASURE_GRID, name, {"at": at.isoformat()})
        await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        loads = list(await session.scalars(select(ZoneLoad).where(ZoneLoad.zone_id == zone)))
        (alert,) = await session.scalars(select(GridAlert))
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    assert {(load.load_w, load.utilisation_ppm, load.withdrawn_withheld) for load in loads} == {
        (100_000, 1_000_000, None)
    }
    assert {load.version for load in loads} == {1}
    assert (alert.zone_id, alert.issued_by_id, alert.severity.value) == (zone, None, "CRITICAL")


async def test_the_relay_asks_for_one_measurement_at_a_time_and_ends_halts(live: Live) -> None:
    async with live.database.transaction() as session:
        market = await a_market(session)
        zone = await zone_of(session, market)
        order = await an_order(session, await a_trader(session), market, BUY)
        began = now() - timedelta(hours=2)
        await halting.halt(
            session,
            await an_operator(session, zone),
            zone,
            reason="x",
            expires_at=began + timedelta(hours=1),
            now=began,
        )

    for _ in range(2):
        for act in (jobs.schedule_measurements, jobs.resume_zones):
            assert act in registry.PERIODIC
            async with live.database.transaction() as session:
                await act(session)

    async with live.database.transaction() as session:
        measurements = list(await session.scalars(select(Job.id).where(Job.kind == MEASURE_GRID)))
        lifted = await session.scalar(select(ZoneHalt.lifted_at).where(ZoneHalt.zone_id == zone))
        status = await session.scalar(select(Order.status).where(Order.id == order))
    assert 1 <= len(measurements) <= 2  # Two where five minutes have just begun.
    assert (lifted is not None, status) == (True, OrderStatus.OPEN)
