"""A community's balance: sums, surplus, deficit, and how few members are too few."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.balance import Balance, TooFewMembers, read_balance
from domain.communities.tables import Community
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.intervals import Period, Resolution, day_start
from domain.metering.tables import Direction
from tests.factories.communities import a_community, a_membership, a_participation, an_administrator
from tests.factories.identity import an_admin
from tests.factories.metering import A_DAY, a_reading_day, recorded, values

ZONE = ZoneInfo("Europe/Luxembourg")
DAY = timedelta(days=1)
PERIOD = Period(day_start(A_DAY, ZONE), day_start(A_DAY + DAY, ZONE))


async def balance(
    session: AsyncSession, community: Community, by: Viewer, resolution: Resolution = Resolution.DAY
) -> Balance:
    connection = await session.connection()
    return await read_balance(connection, community.id, community.timezone, PERIOD, resolution, by=by)


async def a_community_of(session: AsyncSession, members: int) -> Community:
    """Each member withdraws 24 kWh a day; the first one injects 0.5 kWh in the first 48 quarter-hours."""
    community = await a_community(session)
    sun = values()
    sun[:48], sun[48:] = 2_000_000, 0
    for number in range(members):
        part = await a_participation(session, await a_membership(session, community))
        injected = sun if number == 0 else values(0)
        await recorded(
            session,
            a_reading_day(part.metering_point_id),
            a_reading_day(part.metering_point_id, direction=Direction.INJECTED, values_ukwh=injected),
        )
    return community


async def test_sums_all_points_and_tells_surplus_from_deficit(session: AsyncSession) -> None:
    community = await a_community_of(session, 5)

    hours = await balance(session, community, ANONYMOUS, Resolution.HOUR)
    day = await balance(session, community, ANONYMOUS)

    np.testing.assert_allclose(hours.injected_kwh, [8.0] * 12 + [0.0] * 12)
    np.testing.assert_allclose(hours.withdrawn_kwh, [5.0] * 24)
    np.testing.assert_allclose(hours.surplus_kwh, [3.0] * 12 + [0.0] * 12)
    np.testing.assert_allclose(hours.deficit_kwh, [0.0] * 12 + [5.0] * 12)
    assert [each.tolist() for each in (day.injected_kwh, day.withdrawn_kwh, day.deficit_kwh)] == [[96], [120], [24]]
    assert day.missing == []


async def test_few_members_are_for_administrators_only(session: AsyncSession) -> None:
    community = await a_community_of(session, 4)
    administrator = await an_administrator(session, community)

    with pytest.raises(TooFewMembers):
        await balance(session, community, ANONYMOUS)
    assert (await balance(session, community, administrator)).withdrawn_kwh == [96]
    assert (await balance(session, community, an_admin())).withdrawn_kwh == [96]


async def test_one_day_of_few_members_is_enough_to_refuse(session: AsyncSession) -> None:
    community = await a_community_of(session, 4)
    await a_participation(session, await a_membership(session, community, valid_from=A_DAY + DAY))

    with pytest.raises(TooFewMembers):
        await balance(session, community, ANONYMOUS)


async def test_a_day_without_anybody_tells_nothing(session: AsyncSession) -> None:
    community = await a_community(session)
    for _ in range(5):
        await a_participation(session, await a_membership(session, community, valid_from=date(2026, 2, 1)))

    result = await balance(session, community, ANONYMOUS)

    assert [result.injected_kwh.tolist(), result.withdrawn_kwh.tolist(), result.missing] == [[0], [0], []]
