from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.grid import capacities, loads
from domain.grid.capacities import Capacities
from domain.grid.loads import CongestionLevel, Metered
from domain.grid.tables import ZoneLoad
from domain.kernel.database import new_id
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from tests.factories.grid import an_operator
from tests.factories.market import a_zone

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
ZONE = new_id()
CAPACITY = {(ZONE, Direction.WITHDRAWN): Capacities((NOON - timedelta(days=9),), (100_000,))}


async def rows(session: AsyncSession) -> list[ZoneLoad]:
    return list(await session.scalars(select(ZoneLoad).order_by(ZoneLoad.interval_start, ZoneLoad.version)))


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(-(10**12), 10**12))
def test_the_load_is_what_the_zone_cannot_serve_itself(injected: int, withdrawn: int, exported: int) -> None:
    read = loads.load_of((ZONE, NOON), Metered(injected, withdrawn, None, None), exported, {})
    traded = loads.load_of((ZONE, NOON), None, exported, {})

    assert abs(read.load_w * 250 - abs(withdrawn - injected)) <= 125
    assert abs(traded.load_w * 250 - abs(exported)) <= 125
    assert (read.direction is Direction.INJECTED) == (injected > withdrawn)
    assert (traded.direction is Direction.INJECTED) == (exported > 0)


@pytest.mark.parametrize(
    ("withdrawn_ukwh", "utilisation_ppm", "level"),
    [
        (17_499_750, 699_990, CongestionLevel.NORMAL),
        (17_500_000, 700_000, CongestionLevel.ELEVATED),
        (22_500_000, 900_000, CongestionLevel.CONGESTED),
        (25_000_000, 1_000_000, CongestionLevel.OVERLOADED),
        (0, 0, CongestionLevel.NORMAL),
    ],
)
def test_levels_are_told_by_what_is_used_of_the_capacity(
    withdrawn_ukwh: int, utilisation_ppm: int, level: CongestionLevel
) -> None:
    load = loads.load_of((ZONE, NOON), Metered(0, withdrawn_ukwh, None, None), 0, CAPACITY)

    assert load.utilisation_ppm == utilisation_ppm
    assert loads.level_of(utilisation_ppm) is level


def test_capacity_is_that_of_the_direction_and_the_time() -> None:
    before, other = NOON - timedelta(days=10), Metered(1_000_000, 0, None, None)

    assert loads.load_of((ZONE, before), Metered(0, 1_000_000, None, None), 0, CAPACITY).capacity_w is None
    assert loads.load_of((ZONE, NOON), other, 0, CAPACITY).capacity_w is None
    assert Capacities((before, NOON), (1, 2)).at(NOON) == 2
    assert Capacities((before, NOON), (1, 2)).at(NOON - timedelta(seconds=1)) == 1


async def test_measuring_twice_stores_once_and_late_readings_make_another_version(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    operator = await an_operator(session, zone_id)
    await capacities.put(
        session, operator, zone_id, Direction.WITHDRAWN, power_w=100_000, valid_from=NOON, reason="built"
    )
    cell = (zone_id, NOON)

    await loads.record(session, {}, {cell: -5_000_000}, now=NOON)
    await loads.record(session, {}, {cell: -5_000_000}, now=NOON + timedelta(minutes=5))
    await loads.record(
        session,
        {cell: Metered(0, 20_000_000, None, Suppression.DIFFERENCE)},
        {cell: -5_000_000},
        now=NOON + timedelta(hours=1),
    )

    told = [(row.version, row.load_w, row.utilisation_ppm, row.withdrawn_ukwh) for row in await rows(session)]
    assert told == [(1, 20_000, 200_000, None), (2, 80_000, 800_000, 20_000_000)]
    newest = list(await session.scalars(loads.newest().where(ZoneLoad.zone_id == zone_id)))
    assert [(row.version, row.injected_withheld, row.withdrawn_withheld) for row in newest] == [
        (2, None, Suppression.DIFFERENCE)
    ]


async def test_a_zone_without_a_capacity_has_a_load_and_no_level(session: AsyncSession) -> None:
    zone = MarketZone(code=str(new_id()), name="x", country="IT")
    session.add(zone)
    await session.flush()

    (load,) = await loads.record(session, {(zone.id, NOON): Metered(0, 250, None, None)}, {}, now=NOON)

    assert (load.load_w, load.capacity_w, load.utilisation_ppm) == (1, None, None)
