"""Random towns: whatever anybody is told of zones and communities, taken together, tells of no one person."""

from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.aggregates import sets, zones
from domain.aggregates.tables import SetKind
from domain.communities.tables import Member, Membership
from domain.grid import loads
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.intervals import Period
from domain.metering.tables import Direction
from tests.api.conftest import Execute
from tests.domain.aggregates.solving import solvable
from tests.domain.aggregates.towns import a_town
from tests.factories.communities import a_community, a_viewer_through
from tests.factories.metering import A_DAY, a_reading_day, recorded

SUMS = """
query ($ids: [ID!]!) { nodes(ids: $ids) { id
  ... on Community {
    balance(period: {start: "2026-01-15T11:00:00Z", end: "2026-01-15T12:00:00Z"}, resolution: HOUR) { ...Sums } }
  ... on MarketZone {
    load(period: {start: "2026-01-15T11:00:00Z", end: "2026-01-15T12:00:00Z"}) { injectedKwh withdrawnKwh } } } }
fragment Sums on BalanceSeries { injectedKwh withdrawnKwh }
"""
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
COLUMN = {Direction.INJECTED: "injectedKwh", Direction.WITHDRAWN: "withdrawnKwh"}
NAME = {SetKind.ZONE: "MarketZone", SetKind.COMMUNITY: "Community"}
Sums = dict[str, dict[UUID, int]]  # How much of each point is in the sum of a node.


async def told(execute: Execute, viewer: Viewer, sums: Sums, column: str) -> list[dict[UUID, int]]:
    """What the sums are of that a viewer is told."""
    series: dict[str, Any] = {}
    for id in sorted(sums):  # Nobody reads more than four at once.
        answer = await execute(SUMS, viewer, ids=[id])
        assert answer.errors == []
        series |= {each["id"]: each.get("balance") or each["load"] for each in answer.data["nodes"]}
    assert all(each[column][0] is None or each[column][0] > 0 for each in series.values())
    return [sums[id] for id, each in series.items() if each[column] != [None]]


async def a_measured_country(session: AsyncSession, random: Random) -> list[Membership]:
    """Two towns with homes in some of three communities, an hour of which was measured; the memberships."""
    towns = [await a_town(session) for _ in range(2)]
    communities = [await a_community(session) for _ in range(3)]
    memberships = []
    for _ in range(24):
        homes = [each for each in communities if random.random() < 0.45]
        point_id, members = await random.choice(towns).home(session, *homes)
        memberships += members
        await recorded(session, *[a_reading_day(point_id, direction=way) for way in Direction])
    metered = await zones.metered(session, Period(NOON.replace(hour=11), NOON))
    await loads.record(session, metered, {}, now=NOON)
    return memberships


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_can_compute_a_person_from_what_is_told(
    session: AsyncSession, execute: Execute, seed: int
) -> None:
    random = Random(seed)
    memberships = await a_measured_country(session, random)
    persons: dict[UUID, UUID | None] = {}
    sums: dict[Direction, Sums] = {way: {} for way in Direction}
    for taking in (await sets.read(await session.connection(), A_DAY, A_DAY)).takings:
        id = global_id(NAME[taking.subject.kind], taking.subject.id)
        sums[taking.direction].setdefault(id, {})[taking.metering_point_id] = taking.factor_ppm
        persons[taking.metering_point_id] = taking.person_id

    for way, column in COLUMN.items():
        public = await told(execute, ANONYMOUS, sums[way], column)
        assert solvable(public, persons) == set()
        for membership in random.sample(memberships, 6):
            inside = await told(execute, a_viewer_through(membership), sums[way], column)
            member = await session.get_one(Member, membership.member_id)
            assert solvable([*public, *inside], persons, {member.user_id}) == set()
