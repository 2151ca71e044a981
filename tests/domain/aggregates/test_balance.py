"""A community's balance: sums, surplus, deficit, and what of it is told to whom."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates import balance
from domain.aggregates.balance import Balance
from domain.communities.tables import Community, Membership, Participation
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.intervals import Period, Resolution, day_start
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from tests.factories.communities import (
    a_community,
    a_member,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
)
from tests.factories.identity import a_user, an_admin
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values

ZONE = ZoneInfo("Europe/Luxembourg")
DAY = timedelta(days=1)
FEW, DOMINANCE = Suppression.FEWER_THAN_FIVE, Suppression.DOMINANCE
INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN


async def read(
    session: AsyncSession, community: Community, by: Viewer, resolution: Resolution = Resolution.DAY, days: int = 1
) -> Balance:
    """As the API reads it: once, and again where it had yet to be decided what may be told."""
    connection = await session.connection()
    period = Period(day_start(A_DAY, ZONE), day_start(A_DAY + days * DAY, ZONE))
    asked = await balance.asked(connection, community.id, community.timezone, period, resolution, by=by)
    found = await balance.read(connection, asked, with_excess=True)
    if found.is_undecided:
        await balance.decide(session, asked)
        found = await balance.read(connection, asked, with_excess=True)
    return found


def told(found: Balance) -> list[Any]:
    """Why each direction's first interval is withheld."""
    return [found.withheld[way][0] for way in Direction]


async def a_community_of(session: AsyncSession, members: int, producers: int = 5, **facts: Any) -> Community:
    """Each member withdraws 24 kWh a day; so many inject 1 kWh together in each of the first 48 quarter-hours."""
    community = await a_community(session, **facts)
    for number in range(members):
        sun = values(0)
        sun[:48] = 1_000_000 // producers
        directions = [INJECTED.value, WITHDRAWN.value] if number < producers else [WITHDRAWN.value]
        point = await a_metering_point(session, directions=directions)
        part = await a_participation(session, await a_membership(session, community), point)
        days = [a_reading_day(part.metering_point_id)]
        if number < producers:
            days.append(a_reading_day(part.metering_point_id, direction=INJECTED, values_ukwh=sun))
        await recorded(session, *days)
    return community


async def test_sums_all_points_and_tells_surplus_from_deficit(session: AsyncSession) -> None:
    """A day's surplus is that of its quarter-hours: what noon left over does not serve the evening."""
    community = await a_community_of(session, 2, 2)
    for resolution, parts in ((Resolution.QUARTER_HOUR, 96), (Resolution.HOUR, 24), (Resolution.DAY, 1)):
        found = await read(session, community, an_admin(), resolution)

        first = np.arange(parts) < parts / 2
        injected = np.where(first, 96 / parts, 0.0) if parts > 1 else np.array([48.0])
        withdrawn = np.full(parts, 48.0 / parts)
        surplus = np.where(first, 48 / parts, 0.0) if parts > 1 else np.array([24.0])
        deficit = np.where(first, 0.0, 48.0 / parts) if parts > 1 else np.array([24.0])
        assert found.excess_kwh is not None
        assert [each.tolist() for each in (found.injected_kwh, found.withdrawn_kwh, *found.excess_kwh)] == [
            each.tolist() for each in (injected, withdrawn, surplus, deficit)
        ]
        assert list(found.missing) == []


async def test_five_persons_of_the_direction_are_told_to_everybody(session: AsyncSession) -> None:
    """Five who withdraw and one who injects: the plant's sum is nobody's to know."""
    community = await a_community_of(session, 5, 1)

    assert told(await read(session, community, ANONYMOUS)) == [FEW, None]
    assert told(await read(session, community, await an_administrator(session, community))) == [None, None]
    assert told(await read(session, await a_community_of(session, 5, 5), ANONYMOUS)) == [None, None]
    assert told(await read(session, await a_community_of(session, 4, 4), ANONYMOUS)) == [FEW, FEW]


async def test_a_member_is_told_of_five_others(session: AsyncSession) -> None:
    found = []
    for members in (5, 6):
        community = await a_community_of(session, members, members)
        user = await a_user(session)
        membership = await a_membership(session, community, await a_member(session, user))
        found.append(told(await read(session, community, a_viewer_through(membership), Resolution.QUARTER_HOUR)))

    assert found == [[FEW, FEW], [None, None]]


async def test_who_has_several_points_or_members_counts_once(session: AsyncSession) -> None:
    community, user = await a_community_of(session, 3, 3), await a_user(session)
    for _ in range(2):
        membership = await a_membership(session, community, await a_member(session, user))
        for _ in range(2):
            await recorded_part(session, membership)

    assert told(await read(session, community, ANONYMOUS)) == [FEW, FEW]
    await recorded_part(session, await a_membership(session, community))
    assert told(await read(session, community, ANONYMOUS)) == [None, None]


async def recorded_part(session: AsyncSession, membership: Membership, **facts: Any) -> None:
    part = await a_participation(session, membership, **facts)
    days = [a_reading_day(part.metering_point_id, direction=way) for way in Direction]
    await recorded(session, *days)


async def test_one_day_of_few_withholds_what_is_longer(session: AsyncSession) -> None:
    """Days are told one by one; a month only where each of its days is, or the rest of it would tell the day."""
    community = await a_community(session)
    first = A_DAY.replace(day=1)
    for number in range(5):
        since = first if number else A_DAY + DAY
        await a_participation(session, await a_membership(session, community, valid_from=since))

    days = await read(session, community, ANONYMOUS, days=2)
    connection = await session.connection()
    month = Period(day_start(first, ZONE), day_start(date(2026, 2, 1), ZONE))
    asked = await balance.asked(connection, community.id, community.timezone, month, Resolution.MONTH, by=ANONYMOUS)
    await balance.decide(session, asked)
    whole = await balance.read(connection, asked, with_excess=False)

    assert list(days.withheld[WITHDRAWN]) == [FEW, Suppression.INCOMPLETE]
    assert list(whole.withheld[WITHDRAWN]) == [FEW]


async def test_an_interval_that_lacks_a_reading_is_for_administrators(session: AsyncSession) -> None:
    community = await a_community_of(session, 5)
    await a_participation(session, await a_membership(session, community))

    found = await read(session, community, ANONYMOUS)
    whole = await read(session, community, an_admin())

    assert (told(found), list(found.missing)) == ([Suppression.INCOMPLETE] * 2, [0])
    assert (told(whole), list(whole.missing), whole.withdrawn_kwh.tolist()) == ([None, None], [0], [120.0])


@pytest.mark.parametrize("resolution", [Resolution.QUARTER_HOUR, Resolution.HALF_HOUR])
async def test_outsiders_get_hours_or_coarser(session: AsyncSession, resolution: Resolution) -> None:
    community = await a_community_of(session, 5)

    assert told(await read(session, community, ANONYMOUS, resolution)) == [Suppression.RESOLUTION] * 2
    assert told(await read(session, community, ANONYMOUS, Resolution.HOUR)) == [None, None]


async def test_where_one_makes_nearly_all_of_a_day_outsiders_get_the_month(session: AsyncSession) -> None:
    community = await a_community_of(session, 5, 5)
    big = await a_participation(session, await a_membership(session, community))
    loud = [a_reading_day(big.metering_point_id, direction=way, values_ukwh=values(10**9)) for way in Direction]
    await recorded(session, *loud)
    user = await a_user(session)
    member = await a_membership(session, community, await a_member(session, user))

    assert told(await read(session, community, ANONYMOUS)) == [DOMINANCE, DOMINANCE]
    assert told(await read(session, community, a_viewer_through(member))) == [None, None]


async def test_who_is_the_first_to_be_read_does_not_dominate_the_month(session: AsyncSession) -> None:
    community = await a_community_of(session, 5, 5)
    part = await session.scalar(select(Participation).where(Participation.community_id == community.id).limit(1))
    assert part is not None
    next_day = [a_reading_day(part.metering_point_id, day=A_DAY + DAY, direction=way) for way in Direction]
    await recorded(session, *next_day)

    assert told(await read(session, community, ANONYMOUS)) == [None, None]


async def test_a_day_without_anybody_tells_nothing(session: AsyncSession) -> None:
    community = await a_community(session)
    for _ in range(5):
        await a_participation(session, await a_membership(session, community, valid_from=date(2026, 2, 1)))

    found = await read(session, community, ANONYMOUS)

    assert [found.injected_kwh.tolist(), found.withdrawn_kwh.tolist(), list(found.missing)] == [[0], [0], []]
    assert told(found) == [None, None]
