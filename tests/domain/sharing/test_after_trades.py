"""The waterfall: trades are delivered first, what they leave is shared, and each watt-hour goes one way (I1)."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.sharing.bridge import solve_after_trades
from domain.communities.tables import Community, Participation
from domain.kernel.intervals import Period, day_start
from domain.market.delivery import traded
from domain.market.delivery.traded import DeliveriesWaiting
from domain.metering.tables import Direction
from domain.sharing import allocations, inputs, keys, verification
from domain.sharing.tables import AllocationDay, AllocationRun, KeyKind, MemberAllocation
from tests.factories.communities import a_community
from tests.factories.deliveries import DAY, NOON, NOON_PLACE, Party, a_party, a_trade, injected, look, withdrew
from tests.factories.market import a_market

ZONE = ZoneInfo("Europe/Luxembourg")
PERIOD = Period(day_start(DAY, ZONE), day_start(DAY.replace(day=DAY.day + 1), ZONE))
IN, OUT = Direction.WITHDRAWN, Direction.INJECTED


@dataclass
class Village:
    """A producer and two consumers: at noon 1 kWh is injected, 0.8 and 0.5 kWh are withdrawn."""

    community: Community
    producer: Party
    buyer: Party
    other: Party


@pytest.fixture
async def village(session: AsyncSession) -> Village:
    community = await a_community(session)
    parties = [await a_party(session, community) for _ in range(3)]
    for party, injects, withdraws in zip(parties, ("1", "0", "0"), ("0", "0.8", "0.5"), strict=True):
        await injected(session, party, injects)
        await withdrew(session, party, withdraws)
    since = day_start(DAY.replace(month=1), ZONE)
    await keys.set_key(session, community.id, KeyKind.PRO_RATA, KeyKind.PRO_RATA, since, (), actor="test")
    return Village(community, *parties)


async def allocate(session: AsyncSession, village: Village) -> UUID:
    """Read, solve, record, as the job does."""
    metered = await inputs.read_inputs(await session.connection(), village.community.id, PERIOD)
    trading = await traded.read(session, metered.point_ids, PERIOD)
    left, result = solve_after_trades(metered, trading)
    return await allocations.record_run(session, left, result, job_id=None, actor="test")


async def at_noon(session: AsyncSession, run_id: UUID) -> dict[tuple[UUID, Direction], tuple[int, int, int]]:
    """Metered, traded and shared by point and direction, where there is something; all else of the day is zero."""
    days = list(await session.scalars(select(AllocationDay).where(AllocationDay.run_id == run_id)))
    found = {}
    for day in days:
        columns = [day.metered_ukwh, day.traded_ukwh or [0] * 96, day.shared_ukwh]
        assert [sum(values) - values[NOON_PLACE] for values in columns] == [0, 0, 0]
        metered, sold, shared = (values[NOON_PLACE] for values in columns)
        if metered:
            found[day.metering_point_id, day.direction] = metered, sold, shared
    return found


async def breaches(session: AsyncSession) -> list[str]:
    return [row async for row in verification.breaches(session)]


async def test_what_trades_leave_is_shared(session: AsyncSession, village: Village) -> None:
    await a_trade(session, await a_market(session), village.producer, village.buyer, "0.6")
    await look(session)

    run_id = await allocate(session, village)

    assert await at_noon(session, run_id) == {
        (village.producer.point.id, OUT): (1_000_000, 600_000, 400_000),
        (village.buyer.point.id, IN): (800_000, 600_000, 114_286),  # 0.4 kWh pro rata to what is left: 0.2 and 0.5.
        (village.other.point.id, IN): (500_000, 0, 285_714),
    }
    run = await session.get_one(AllocationRun, run_id)
    assert (run.injected_ukwh, run.withdrawn_ukwh) == (1_000_000, 1_300_000)
    assert (run.traded_out_ukwh, run.traded_in_ukwh, run.shared_ukwh) == (600_000, 600_000, 400_000)
    totals = await session.scalars(select(MemberAllocation).where(MemberAllocation.traded_in_ukwh > 0))
    assert [(each.withdrawn_ukwh, each.traded_in_ukwh, each.shared_in_ukwh) for each in totals] == [
        (800_000, 600_000, 114_286)
    ]
    assert await breaches(session) == []


async def test_without_trades_a_run_is_what_it_was(session: AsyncSession, village: Village) -> None:
    metered = await inputs.read_inputs(await session.connection(), village.community.id, PERIOD)

    left, _ = solve_after_trades(metered, await traded.read(session, metered.point_ids, PERIOD))

    assert left.digest == metered.digest


async def test_a_trade_that_is_settled_later_makes_another_version(session: AsyncSession, village: Village) -> None:
    before = await allocate(session, village)
    await a_trade(session, await a_market(session), village.producer, village.buyer, "0.6")

    with pytest.raises(DeliveriesWaiting):
        await allocate(session, village)
    await look(session)
    after = await allocate(session, village)
    again = await allocate(session, village)
    await injected(session, village.producer, "0.5")
    await look(session)
    corrected = await allocate(session, village)

    assert again == after
    runs = [await session.get_one(AllocationRun, run_id) for run_id in (before, after, corrected)]
    assert [(run.version, run.traded_out_ukwh, run.shared_ukwh) for run in runs] == [
        (1, 0, 1_000_000),
        (2, 600_000, 400_000),
        (3, 500_000, 0),
    ]
    assert await breaches(session) == []


async def test_a_point_in_two_communities_shares_parts_of_what_trades_leave(
    session: AsyncSession, village: Village
) -> None:
    here = Participation.metering_point_id == village.producer.point.id
    await session.execute(update(Participation).where(here).values(factor_ppm=333_333))
    await a_trade(session, await a_market(session), village.producer, village.buyer, "0.7")
    await look(session)

    run_id = await allocate(session, village)

    found = await at_noon(session, run_id)
    metered, sold, shared = found[village.producer.point.id, OUT]
    assert (metered, sold, shared) == (333_333, 233_334, 99_999)  # A third of what is left, floored; all of it shared.
    assert await breaches(session) == []


async def test_energy_traded_elsewhere_in_the_hour_is_still_shared(session: AsyncSession, village: Village) -> None:
    outsider = await a_party(session)
    await injected(session, outsider, "0")
    await withdrew(session, outsider, "0.1")
    await a_trade(session, await a_market(session), village.producer, outsider, "1", minutes=60, start=NOON)
    await look(session)

    found = await at_noon(session, await allocate(session, village))

    assert found[village.producer.point.id, OUT] == (1_000_000, 100_000, 900_000)
