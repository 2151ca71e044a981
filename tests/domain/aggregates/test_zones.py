"""What the points of a zone counted, and why it is withheld from outsiders."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.zones import metered
from domain.grid import loads
from domain.grid.loads import Metered
from domain.kernel.database import new_id
from domain.kernel.suppression import Suppression
from domain.metering.days import MISSING
from domain.metering.tables import Direction
from tests.factories.communities import a_community, a_membership, a_participation
from tests.factories.geography import a_substation_area
from tests.factories.market import a_zone
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

DAY = date(2026, 6, 10)
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN
FEW = Suppression.FEWER_THAN_FIVE


async def a_metered_zone(session: AsyncSession, *energies: dict[Direction, Any]) -> UUID:
    """A zone with a member's point for each entry, which says what it counts in each interval of the day."""
    zone_id = await a_zone(session)
    area = await a_substation_area(session, code=str(new_id()), market_zone_id=zone_id)
    community = await a_community(session)
    for energy in energies:
        facts = {"directions": [way.value for way in energy], "timezone": "Europe/Rome"}
        point = await a_metering_point(session, substation_area_id=area.id, **facts)
        await a_participation(session, await a_membership(session, community), point)
        days = [
            a_reading_day(point.id, direction=d, day=DAY, values_ukwh=e) for d, e in energy.items() if e is not None
        ]
        if days:
            await recorded(session, *days)
    return zone_id


async def read(session: AsyncSession, zone_id: UUID) -> dict[datetime, Metered]:
    found = await metered(session, loads.window(NOON))
    return {start: each for (zone, start), each in found.items() if zone == zone_id}


async def test_a_zone_is_metered_by_the_points_of_its_areas(session: AsyncSession) -> None:
    zone_id = await a_metered_zone(
        session, {WITHDRAWN: values(250_000), INJECTED: values(100_000)}, {WITHDRAWN: values(50_000)}
    )
    await a_metered_zone(session, {WITHDRAWN: values(7)})

    mine = await read(session, zone_id)

    assert len(mine) == 72  # From midnight in Rome, two hours before UTC, to four hours after noon, UTC.
    assert min(mine) == datetime(2026, 6, 9, 22, tzinfo=UTC)
    assert set(mine.values()) == {Metered(100_000, 300_000, FEW, FEW)}


async def test_hourly_readings_are_spread_over_their_quarters(session: AsyncSession) -> None:
    zone_id = await a_metered_zone(session, {WITHDRAWN: values(1_000_000, 24)})

    assert [each.withdrawn_ukwh for each in (await read(session, zone_id)).values()] == [250_000] * 72


async def test_each_direction_needs_five_persons(session: AsyncSession) -> None:
    """Where no point could have told of a direction, nothing passed in it, and that tells of nobody."""
    mill = {WITHDRAWN: values(10), INJECTED: values(9)}
    five = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 4, mill)
    none = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 5)

    assert set((await read(session, five)).values()) == {Metered(9, 50, FEW, None)}
    assert set((await read(session, none)).values()) == {Metered(0, 50, None, None)}


async def test_a_sum_that_lacks_a_reading_is_withheld(session: AsyncSession) -> None:
    late = values(10)
    late[48:] = MISSING  # What has not arrived yet.
    zone_id = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 5, {WITHDRAWN: late})
    silent = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 5, {INJECTED: None})

    mine = await read(session, zone_id)

    midnight = datetime(2026, 6, 9, 22, tzinfo=UTC)
    told = {start for start, each in mine.items() if each.withdrawn_withheld is None}
    assert told == {start for start in mine if start < midnight + timedelta(hours=12)}
    assert {each.withdrawn_withheld for each in mine.values()} == {None, Suppression.INCOMPLETE}
    assert set((await read(session, silent)).values()) == {Metered(0, 50, Suppression.INCOMPLETE, None)}


async def test_a_day_that_one_person_makes_nearly_all_of_is_withheld(session: AsyncSession) -> None:
    zone_id = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 5, {WITHDRAWN: values(201)})
    near = await a_metered_zone(session, *[{WITHDRAWN: values(10)}] * 5, {WITHDRAWN: values(200)})

    assert {each.withdrawn_withheld for each in (await read(session, zone_id)).values()} == {Suppression.DOMINANCE}
    assert {each.withdrawn_withheld for each in (await read(session, near)).values()} == {None}
