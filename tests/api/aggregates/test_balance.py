"""Balances over GraphQL: what is told, and what is null with its reason beside what surrounds it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.metering.tables import Direction
from tests.api.conftest import Execute
from tests.factories.communities import a_community, a_member, a_membership, a_participation, a_viewer_through
from tests.factories.identity import a_user, an_admin
from tests.factories.metering import a_reading_day, recorded, values

BALANCE = """
query ($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
  node(id: $id) { ... on Community { name memberCount
    balance(period: $period, resolution: $resolution) {
      start resolution injectedKwh withdrawnKwh ...Excess missing suppressed { direction reason period { start end } }
    }
  } }
}
fragment Excess on BalanceSeries { surplusKwh deficitKwh }
"""
THE_DAY = {"start": "2026-01-14T23:00:00Z", "end": "2026-01-15T23:00:00Z"}


async def a_community_of(session: AsyncSession, members: int) -> Community:
    """Each member brings half of a point that withdraws 24 kWh and injects 1.2 kWh a day."""
    community = await a_community(session)
    for _ in range(members):
        part = await a_participation(session, await a_membership(session, community), factor_ppm=500_000)
        sun = a_reading_day(part.metering_point_id, direction=Direction.INJECTED, values_ukwh=values(12_500))
        await recorded(session, a_reading_day(part.metering_point_id), sun)
    return community


async def asked(execute: Execute, community: Community, viewer: Viewer, resolution: str = "DAY") -> Any:
    variables = {"id": f"Community:{community.id}", "period": THE_DAY, "resolution": resolution}
    answer = await execute(BALANCE, viewer, **variables)
    assert answer.errors == []
    return answer.data["node"]


async def test_a_balance_is_for_everybody_where_enough_take_part(execute: Execute, session: AsyncSession) -> None:
    """Numbers are as short as they can be: micro-kWh, and no noise of floats."""
    community = await a_community_of(session, 5)

    assert (await asked(execute, community, ANONYMOUS))["balance"] == {
        "start": THE_DAY["start"],
        "resolution": "DAY",
        "injectedKwh": [3.0],
        "withdrawnKwh": [60.0],
        "surplusKwh": [0.0],
        "deficitKwh": [57.0],
        "missing": [],
        "suppressed": [],
    }
    hours = (await asked(execute, community, ANONYMOUS, "HOUR"))["balance"]
    assert {tuple(hours[name]) for name in ("injectedKwh", "withdrawnKwh", "deficitKwh")} == {
        (0.125,) * 24,
        (2.5,) * 24,
        (2.375,) * 24,
    }


async def test_what_tells_of_few_is_null_with_its_reason_and_empties_nothing(
    execute: Execute, session: AsyncSession
) -> None:
    community = await a_community_of(session, 4)
    user = await a_user(session)
    member = await a_membership(session, community, await a_member(session, user))

    for viewer in (ANONYMOUS, a_viewer_through(member)):
        found = await asked(execute, community, viewer)
        assert (found["name"], found["memberCount"]) == (community.name, 5)
        series = found["balance"]
        for name in ("injectedKwh", "withdrawnKwh", "surplusKwh", "deficitKwh"):
            assert series[name] == [None]
        assert series["suppressed"] == [
            {"direction": way, "reason": "FEWER_THAN_FIVE", "period": THE_DAY} for way in ("INJECTED", "WITHDRAWN")
        ]
    whole = (await asked(execute, community, an_admin()))["balance"]
    assert (whole["withdrawnKwh"], whole["suppressed"]) == ([48.0], [])


async def test_members_get_quarter_hours_and_others_hours(execute: Execute, session: AsyncSession) -> None:
    community = await a_community_of(session, 6)
    member = a_viewer_through(await a_membership(session, community))

    fine = (await asked(execute, community, member, "QUARTER_HOUR"))["balance"]
    coarse = (await asked(execute, community, ANONYMOUS, "QUARTER_HOUR"))["balance"]

    assert (fine["withdrawnKwh"], fine["suppressed"]) == ([0.75] * 96, [])
    assert (coarse["withdrawnKwh"], {each["reason"] for each in coarse["suppressed"]}) == ([None] * 96, {"RESOLUTION"})
