"""Runs: their sums are told members where the sets behind them were admitted; decided once they are recorded."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates import runs
from domain.aggregates.visibility import withheld_of_run
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from domain.sharing.tables import AllocationRun
from tests.domain.sharing.test_allocations import J, W, allocate
from tests.factories.sharing import Group, a_group, a_key, quarters

FEW = Suppression.FEWER_THAN_FIVE


async def a_shared_group(session: AsyncSession, homes: list[dict[Direction, Any]]) -> Group:
    group = await a_group(session, [{way: quarters(seed) for way, seed in home.items()} for home in homes])
    await a_key(session, group)
    return group


async def reasons(session: AsyncSession) -> list[Suppression | None]:
    query = select(*(withheld_of_run(way) for way in Direction)).select_from(AllocationRun)
    return list((await session.execute(query)).one())


async def test_a_run_of_one_plant_and_six_homes_tells_of_the_homes(session: AsyncSession) -> None:
    await allocate(session, await a_shared_group(session, [{J: 7}, *[{W: seed} for seed in range(6)]]))
    assert await reasons(session) == [Suppression.UNDECIDED] * 2

    (run_id,) = await runs.undecided(session, 10)
    for _ in range(2):
        await runs.decide(session, run_id)

    assert await reasons(session) == [FEW, None]
    assert await runs.undecided(session, 10) == []


async def test_a_direction_that_nobody_has_tells_of_nobody(session: AsyncSession) -> None:
    run_id = await allocate(session, await a_shared_group(session, [{W: seed} for seed in range(5)]))

    await runs.decide(session, run_id)

    assert await reasons(session) == [None, FEW]  # Five others are needed.
