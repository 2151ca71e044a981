"""An allocation from readings to recorded run: exact, versioned, repeatable, compared with the operator's."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.sharing.bridge import solve
from domain.communities.tables import FrameworkCode
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.intervals import Period
from domain.metering.matrices import ReadingsMissing
from domain.metering.tables import Direction
from domain.sharing import allocations, inputs, keys, operators, verification
from domain.sharing.tables import AllocationDay, AllocationDifference, AllocationRun, KeyKind, MemberAllocation
from tests.factories.communities import a_membership, a_participation
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values
from tests.factories.sharing import Group, a_group, a_key, quarters

W, J = Direction.WITHDRAWN, Direction.INJECTED


async def allocate(session: AsyncSession, group: Group, period: Period | None = None) -> UUID:
    """Read, solve, record."""
    read = await inputs.read_inputs(await session.connection(), group.community.id, period or group.day())
    run_id = await allocations.record_run(session, read, solve(read), job_id=None, actor="test")
    await operators.record_differences(session, run_id)
    return run_id


async def totals(session: AsyncSession, run_id: UUID) -> dict[UUID, tuple[int, int, int, int]]:
    rows = await session.scalars(select(MemberAllocation).where(MemberAllocation.run_id == run_id))
    return {r.member_id: (r.withdrawn_ukwh, r.shared_in_ukwh, r.injected_ukwh, r.shared_out_ukwh) for r in rows}


async def breaches(session: AsyncSession) -> list[str]:
    return [row async for row in verification.breaches(session)]


async def test_energy_is_shared_pro_rata_and_adds_up_exactly(session: AsyncSession) -> None:
    group = await a_group(session, [{J: quarters(1)}, {W: quarters(2)}, {W: quarters(3), J: quarters(4)}])
    await a_key(session, group)

    run_id = await allocate(session, group)

    run = await session.get_one(AllocationRun, run_id)
    injected = np.array(quarters(1)) + quarters(4)
    withdrawn = np.array(quarters(2)) + quarters(3)
    assert run.shared_ukwh == np.minimum(injected, withdrawn).sum()
    assert (run.injected_ukwh, run.withdrawn_ukwh) == (injected.sum(), withdrawn.sum())
    assert (run.version, run.interval_minutes) == (1, 15)
    assert await breaches(session) == []


async def test_the_same_inputs_give_the_run_that_is_there_and_new_readings_a_new_version(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 400_000}, {W: 100_000}, {W: 100_000}])
    await a_key(session, group)
    first = await allocate(session, group)

    assert await allocate(session, group) == first

    await recorded(session, a_reading_day(group.points[1], values_ukwh=values(200_000)), source="correction")
    second = await session.get_one(AllocationRun, await allocate(session, group))
    old = await session.get_one(AllocationRun, first)
    assert (old.version, old.shared_ukwh) == (1, 200_000 * 96)
    assert (second.version, second.shared_ukwh) == (2, 300_000 * 96)


async def test_only_the_participating_share_of_a_point_is_shared(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 333_333}])
    membership = await a_membership(session, group.community)
    point = await a_metering_point(session)
    await a_participation(session, membership, point, factor_ppm=250_000)
    await recorded(session, a_reading_day(point.id, values_ukwh=values(999_999)))
    await recorded(session, a_reading_day(point.id, direction=J, values_ukwh=values(0)))
    await a_key(session, group)

    run_id = await allocate(session, group)

    assert (await totals(session, run_id))[membership.member_id] == (249_999 * 96, 249_999 * 96, 0, 0)


async def test_a_member_shares_only_on_the_days_of_its_participation(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 500_000}], day=A_DAY)
    tomorrow = A_DAY + timedelta(days=1)
    await recorded(session, a_reading_day(group.points[0], direction=J, day=tomorrow, values_ukwh=values(500_000)))
    newcomer = await a_membership(session, group.community, valid_from=tomorrow)
    point = await a_metering_point(session, directions=[W.value])
    await a_participation(session, newcomer, point)
    await recorded(session, a_reading_day(point.id, day=tomorrow, values_ukwh=values(200_000)))
    await a_key(session, group)

    run_id = await allocate(session, group, group.day(days=2))

    days = await session.scalars(select(AllocationDay).where(AllocationDay.metering_point_id == point.id))
    assert {day.day: sum(day.shared_ukwh) for day in days} == {tomorrow: 200_000 * 96}
    assert (await totals(session, run_id))[newcomer.member_id][:2] == (200_000 * 96, 200_000 * 96)
    assert await breaches(session) == []


async def test_a_point_that_changes_hands_is_shared_for_whoever_holds_it(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 500_000}])
    tomorrow = A_DAY + timedelta(days=1)
    await recorded(session, a_reading_day(group.points[0], direction=J, day=tomorrow, values_ukwh=values(500_000)))
    before = await a_membership(session, group.community, valid_to=tomorrow)
    after = await a_membership(session, group.community, valid_from=tomorrow)
    point = await a_metering_point(session, directions=[W.value])
    for membership in (before, after):
        await a_participation(session, membership, point)
    await recorded(session, a_reading_day(point.id), a_reading_day(point.id, day=tomorrow, values_ukwh=values(1)))
    await a_key(session, group)

    sums = await totals(session, await allocate(session, group, group.day(days=2)))

    assert sums[before.member_id][1] == 250_000 * 96
    assert sums[after.member_id][1] == 96
    assert await breaches(session) == []


async def test_italian_energy_is_shared_by_the_hour(session: AsyncSession) -> None:
    """regulation.md IT-C: injected 2, 0, 0, 0 and withdrawn 0.5 each share 2 kWh, not 0.5."""
    first_quarter = [2_000_000, 0, 0, 0] * 24
    group = await a_group(session, [{J: first_quarter}, {W: 500_000}], framework_code=FrameworkCode.IT_CER)
    await a_key(session, group)

    run = await session.get_one(AllocationRun, await allocate(session, group))

    assert (run.interval_minutes, run.shared_ukwh) == (60, 48_000_000)


@pytest.mark.parametrize(("day", "quarter_hours"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100)])
async def test_days_on_which_the_clocks_change_are_whole(session: AsyncSession, day: date, quarter_hours: int) -> None:
    group = await a_group(session, [{J: quarters(1, quarter_hours)}, {W: quarters(2, quarter_hours)}], day=day)
    await a_key(session, group)

    run_id = await allocate(session, group, group.day(day))

    days = await session.scalars(select(AllocationDay).where(AllocationDay.run_id == run_id))
    assert {len(row.shared_ukwh) for row in days} == {quarter_hours}
    assert await breaches(session) == []


async def test_a_priority_key_serves_ranks_in_order(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 100_000}, {W: 80_000}, {W: 80_000}])
    ranks = [keys.Share(group.points[1], W, rank=2), keys.Share(group.points[2], W, rank=1)]
    await a_key(session, group, KeyKind.PRIORITY, shares=ranks)

    sums = await totals(session, await allocate(session, group))

    received = [sums[membership.member_id][1] // 96 for membership in group.memberships]
    assert received == [0, 20_000, 80_000]


@pytest.mark.parametrize(
    ("framework", "received"),
    [(FrameworkCode.LU_SHARING, [60_000, 20_000]), (FrameworkCode.EU_TRADING, [50_000, 20_000])],
)
async def test_in_luxembourg_a_surplus_covers_every_consumer_whatever_the_percentages(
    session: AsyncSession, framework: FrameworkCode, received: list[int]
) -> None:
    """regulation.md section 3.1: with more production than consumption the keys of the producing points decide."""
    group = await a_group(session, [{J: 100_000}, {W: 60_000}, {W: 20_000}], framework_code=framework)
    halves = [keys.Share(point, W, share_ppm=500_000) for point in group.points[1:]]
    await a_key(session, group, KeyKind.STATIC, shares=halves)

    sums = await totals(session, await allocate(session, group))

    assert [sums[membership.member_id][1] // 96 for membership in group.memberships[1:]] == received


async def test_a_production_key_decides_whose_energy_is_shared(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 90_000}, {J: 90_000}, {W: 100_000}])
    ranks = [keys.Share(group.points[1], J, rank=1)]
    await a_key(session, group, production_kind=KeyKind.PRIORITY, shares=ranks)

    sums = await totals(session, await allocate(session, group))

    given = [sums[membership.member_id][3] // 96 for membership in group.memberships]
    assert given == [10_000, 90_000, 0]


async def test_a_missing_day_is_named_and_nothing_is_recorded(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 1}, {W: 1}])
    await a_key(session, group)

    with pytest.raises(ReadingsMissing):
        await allocate(session, group, group.day(days=2))

    assert (await session.scalars(select(AllocationRun))).all() == []


async def test_a_community_without_points_has_nothing_to_allocate(session: AsyncSession) -> None:
    group = await a_group(session, [])
    await a_key(session, group)

    with pytest.raises(inputs.NothingToAllocate):
        await allocate(session, group)


async def test_a_period_is_whole_local_days_in_the_past(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    connection = await session.connection()
    day = group.day()
    odd = Period(day.start + timedelta(hours=1), day.end)
    coming = Period(day.start, day.start.replace(year=day.start.year + 1))

    await inputs.check_period(connection, group.community.id, day)
    for period in (odd, group.day(days=402), coming):
        with pytest.raises(InvalidValue):
            await inputs.check_period(connection, group.community.id, period)
    with pytest.raises(NotFound):
        await inputs.check_period(connection, new_id(), day)


async def test_a_key_never_starts_before_the_end_of_what_is_allocated(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 1}, {W: 1}])
    await a_key(session, group)
    await allocate(session, group)

    with pytest.raises(keys.KeyInUse) as refused:
        await a_key(session, group, KeyKind.EQUAL, valid_from=group.day().end - timedelta(seconds=1))

    assert refused.value.allocated_until == group.day().end
    await a_key(session, group, KeyKind.EQUAL, valid_from=group.day().end)


def figures(point: UUID, shared: Iterable[int | None]) -> operators.FigureDay:
    return operators.FigureDay(point, W, A_DAY, tuple(shared))


async def test_differences_from_the_operator_are_listed_beyond_its_rounding(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 100_000}, {W: 100_000}])
    await a_key(session, group)
    stated: list[int | None] = [100_000] * 96
    stated[3], stated[5], stated[7] = 99_999, 99_000, None
    await operators.record_figures(session, group.community.id, 15, [figures(group.points[1], stated)], actor="test")

    run_id = await allocate(session, group)

    (difference,) = await session.scalars(select(AllocationDifference).where(AllocationDifference.run_id == run_id))
    assert (difference.ours_ukwh, difference.operator_ukwh) == (100_000, 99_000)
    assert difference.interval_start == group.day().start + timedelta(minutes=75)


async def test_a_newer_statement_of_the_operator_is_compared_by_a_new_version(session: AsyncSession) -> None:
    group = await a_group(session, [{J: 100_000}, {W: 100_000}])
    await a_key(session, group)
    await operators.record_figures(session, group.community.id, 15, [figures(group.points[1], [0] * 96)], actor="test")
    first = await allocate(session, group)
    right = [figures(group.points[1], [100_000] * 96)]
    await operators.record_figures(session, group.community.id, 15, right, actor="test")

    second = await allocate(session, group)

    found = (await session.scalars(select(AllocationDifference.run_id))).all()
    assert second != first
    assert set(found) == {first}
    assert len(found) == 96


async def test_figures_are_refused_whole(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    good = figures(group.points[0], [1] * 96)

    for bad in (figures(new_id(), [1] * 96), figures(group.points[0], [1] * 95), figures(group.points[0], [-1] * 96)):
        with pytest.raises(InvalidValue):
            await operators.record_figures(session, group.community.id, 15, [good, bad], actor="test")

    assert (await session.execute(text("SELECT count(*) FROM operator_figure"))).scalar_one() == 0


@pytest.mark.parametrize("table", ["allocation_run", "allocation_day", "member_allocation", "operator_figure"])
async def test_history_cannot_be_changed(session: AsyncSession, table: str) -> None:
    group = await a_group(session, [{J: 1}, {W: 1}])
    await a_key(session, group)
    await allocate(session, group)

    with pytest.raises(DBAPIError, match="permission denied"):
        await session.execute(text(f"DELETE FROM {table}"))


async def test_a_period_before_the_rules_is_refused_by_name(session: AsyncSession) -> None:
    before = date(2023, 5, 31)
    group = await a_group(session, [{J: 5}, {W: 5}], before)

    with pytest.raises(InvalidValue, match="LU_SHARING has no rules in force on 2023-05-31"):
        await allocate(session, group, group.day(before))
