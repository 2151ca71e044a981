"""The forecast by the same local quarter-hour of the last seven complete days, and what is bound already."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Member
from domain.market.places.tables import OrderSide
from domain.market.rules import surplus
from domain.market.rules.surplus import Past
from domain.metering.tables import Direction, MeteringPoint
from tests.domain.market.clearing.batches import clear
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.identity import a_user
from tests.factories.market import BUY, QUARTER, SELL, a_delivery, a_market, an_order, first_delivery
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values
from tests.factories.rules import an_owner, days_before, metered

INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN
A_DAY = date(2026, 6, 20)
NOON = datetime(2026, 6, 20, 10, tzinfo=UTC)  # In Luxembourg.
LATER = timedelta(hours=3)


async def a_newcomer(session: AsyncSession, since: date) -> tuple[UUID, MeteringPoint]:
    """Somebody whose metering point takes part since a day."""
    user = await a_user(session)
    membership = await a_membership(
        session, await a_community(session), await a_member(session, user), valid_from=since
    )
    point = await a_metering_point(session)
    await a_participation(session, membership, point)
    return user.id, point


async def the_past(session: AsyncSession, owner_id: UUID, until: date = A_DAY + timedelta(days=1)) -> Past:
    first = surplus.first_day(datetime(until.year, until.month, until.day, tzinfo=UTC))
    return await surplus.read(await session.connection(), [owner_id], first, until)


def ramp(day: int) -> list[int]:
    """Values that tell the day and the quarter-hour."""
    return [day * 1_000_000 + slot for slot in range(96)]


async def test_the_mean_of_the_same_local_quarter_hour_of_the_last_seven_days_is_rounded_down(
    session: AsyncSession,
) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    for number, day in enumerate(days_before(A_DAY, 9)):
        await metered(session, point, INJECTED, [day], ramp(number))

    past = await the_past(session, owner.user_id)

    # Days 2 to 8 count: five on the mean. Noon is quarter-hour 48.
    assert past.expected_ukwh(owner.user_id, INJECTED, [NOON, NOON + QUARTER], 15, [NOON] * 2) == [5_000_048, 5_000_049]
    assert past.expected_ukwh(owner.user_id, WITHDRAWN, [NOON], 15, [NOON]) == [0]


async def test_a_forecast_made_earlier_knows_earlier_days(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    for number, day in enumerate(days_before(A_DAY, 9)):
        await metered(session, point, INJECTED, [day], ramp(number))
    past = await the_past(session, owner.user_id)

    made_at = [NOON, NOON - timedelta(days=1), NOON - timedelta(days=8), NOON - timedelta(days=9)]
    expected = past.expected_ukwh(owner.user_id, INJECTED, [NOON] * 4, 15, made_at)

    assert expected == [5_000_048, 4_000_048, 48, 0]


async def test_days_that_are_missing_or_incomplete_are_made_up_for_within_two_weeks(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    known = [A_DAY - timedelta(days=number) for number in (14, 15, 2)]
    for number, day in enumerate(known):
        await metered(session, point, INJECTED, [day], ramp(number * 2))
    incomplete = values(9_000_000)
    incomplete[95] = -1
    await recorded(
        session, a_reading_day(point.id, direction=INJECTED, day=A_DAY - timedelta(days=1), values_ukwh=incomplete)
    )

    past = await the_past(session, owner.user_id)

    assert past.expected_ukwh(owner.user_id, INJECTED, [NOON], 15, [NOON]) == [2_000_048]


async def test_points_are_added_up_and_hours_made_of_quarters(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    same = await session.scalar(select(Member).where(Member.user_id == owner.user_id))
    membership = await a_membership(session, await a_community(session), same)
    other = await a_metering_point(session)
    await a_participation(session, membership, other)
    await metered(session, point, INJECTED, days_before(A_DAY, 2), "1")
    hourly = [
        a_reading_day(other.id, direction=INJECTED, day=day, values_ukwh=values(4_000_003, 24))
        for day in days_before(A_DAY, 2)
    ]
    await recorded(session, *hourly, source="hourly")

    past = await the_past(session, owner.user_id)

    assert past.expected_ukwh(owner.user_id, INJECTED, [NOON], 60, [NOON]) == [8_000_000]
    assert past.metered_ukwh(owner.user_id, INJECTED, [NOON - timedelta(days=1)], 15) == [2_000_000]


async def test_on_days_of_changed_clocks_the_local_hour_counts(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    for day, intervals in ((spring, 92), (autumn, 100)):
        numbered = values(list(range(intervals)), intervals)
        await recorded(session, a_reading_day(point.id, direction=INJECTED, day=day, values_ukwh=numbered))

    noons = [datetime(2026, 3, 30, 10, tzinfo=UTC), datetime(2026, 10, 26, 11, tzinfo=UTC)]
    nights = [datetime(2026, 3, 30, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]
    found = []
    for noon, night in zip(noons, nights, strict=True):
        past = await the_past(session, owner.user_id, noon.date() + timedelta(days=1))
        found.append(past.expected_ukwh(owner.user_id, INJECTED, [noon, night], 15, [noon, noon]))
    actual = (await the_past(session, owner.user_id, date(2026, 10, 26))).metered_ukwh(
        owner.user_id, INJECTED, [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)], 15
    )

    # Half past two was left out in spring and came twice in autumn: the first one counts.
    assert found == [[44, 0], [52, 10]]
    assert actual == [10, 14]


async def test_what_was_metered_before_one_took_part_does_not_count(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    assert owner.user_id is not None
    newcomer, new_point = await a_newcomer(session, A_DAY - timedelta(days=2))
    for each in (point, new_point):
        await metered(session, each, INJECTED, days_before(A_DAY, 2), "1")
        await metered(session, each, INJECTED, days_before(A_DAY - timedelta(days=2), 5), "3")

    past = await surplus.read(
        await session.connection(),
        [owner.user_id, newcomer],
        A_DAY - timedelta(days=15),
        A_DAY + timedelta(days=1),
    )

    assert past.expected_ukwh(newcomer, INJECTED, [NOON], 15, [NOON]) == [1_000_000]
    assert past.expected_ukwh(owner.user_id, INJECTED, [NOON], 15, [NOON]) == [2_428_571]


async def test_storage_is_counted_and_who_takes_part_is_known(session: AsyncSession) -> None:
    owner, _ = await an_owner(session, storage_kwh="9")
    assert owner.user_id is not None
    gone, _ = await a_newcomer(session, A_DAY + timedelta(days=2))

    past = await surplus.read(
        await session.connection(), [owner.user_id, gone], A_DAY - timedelta(days=15), A_DAY + timedelta(days=1)
    )

    assert set(past.owners) == {owner.user_id}
    assert dict(past.storage_ukwh) == {owner.user_id: 9_000_000}


async def test_open_and_traded_energy_is_bound_and_cancelled_energy_is_not(session: AsyncSession) -> None:
    owner, _ = await an_owner(session)
    buyer, _ = await an_owner(session)
    assert owner.user_id is not None
    market = await a_market(session)
    await an_order(session, owner, market, SELL, "2", "0.1", delivery=a_delivery(0, 2))
    await an_order(session, buyer, market, BUY, "0.5", "0.2")
    await clear(session, market)
    await an_order(session, owner, market, BUY, "0.25", "0.01", delivery=a_delivery(1))

    start = first_delivery()
    of_owner, of_rule = await surplus.bound_ukwh(await session.connection(), [owner.user_id], start, start + LATER, 15)
    hourly, _ = await surplus.bound_ukwh(await session.connection(), [owner.user_id], start, start + LATER, 60)

    assert of_owner == {
        (owner.user_id, OrderSide.SELL, start): 2_000_000,
        (owner.user_id, OrderSide.SELL, start + QUARTER): 2_000_000,
        (owner.user_id, OrderSide.BUY, start + QUARTER): 250_000,
    }
    assert hourly[owner.user_id, OrderSide.SELL, start] == 4_000_000
    assert of_rule == {}
