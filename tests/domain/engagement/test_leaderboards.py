"""Leaderboards: exact figures of a month, ranks with ties, nobody who opted out, and nothing of fewer than five."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Participation
from domain.engagement.figures import LeaderboardKind
from domain.engagement.leaderboards import EmptyBecause
from domain.engagement.tables import MemberCard
from domain.market.places.tables import EnergySource
from domain.metering.tables import Direction
from domain.sharing.tables import KeyKind, SharingKey
from tests.domain.engagement.boards import KINDS, board, traders
from tests.factories.engagement import DAY, Someone, delivered, shared, some_people, withdrew
from tests.factories.identity import an_admin
from tests.factories.market import a_market


async def places(session: AsyncSession, people: Sequence[Someone], kind: LeaderboardKind) -> list[Any]:
    """Rank and value of each of the people, as somebody of the platform sees them; None for who is not ranked."""
    found = await board(session, an_admin(), people[0].membership.community_id, kind, 100)
    labels = {row.membership_id: row.label for row in await session.execute(select(MemberCard.__table__))}
    by_label = {entry.label: (entry.rank, entry.value) for entry in found.entries}
    return [by_label.get(labels[person.membership.id]) for person in people]


async def a_key(session: AsyncSession, community_id: UUID) -> UUID:
    key = SharingKey(
        community_id=community_id,
        kind=KeyKind.PRO_RATA,
        production_kind=KeyKind.PRO_RATA,
        valid_from=datetime(2025, 1, 1, tzinfo=UTC),
    )
    session.add(key)
    await session.flush()
    return key.id


async def test_traded_energy_is_what_was_delivered_on_both_sides(session: AsyncSession) -> None:
    people = await traders(session, "5", "4", "3", "2", "1")
    market = await a_market(session)
    await delivered(session, market, None, people[4].user_id, "7", seller_short="0.5", buyer_short="0.5")

    assert await places(session, people, KINDS.TRADED_ENERGY) == [
        (2, 5_000_000),
        (3, 4_000_000),
        (4, 3_000_000),
        (5, 2_000_000),
        (1, 7_000_000),
    ]


async def test_equal_values_share_a_rank(session: AsyncSession) -> None:
    people = await traders(session, "3", "5", "3", "3", "1")

    assert await places(session, people, KINDS.TRADED_ENERGY) == [
        (2, 3_000_000),
        (1, 5_000_000),
        (2, 3_000_000),
        (2, 3_000_000),
        (5, 1_000_000),
    ]


async def test_the_month_is_that_of_the_community(session: AsyncSession) -> None:
    people, market = await traders(session, "1", "1", "1", "1", "1"), await a_market(session)
    first, end = datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)  # Luxembourg's.
    quarter = timedelta(minutes=15)
    for start, kwh in ((first, "10"), (first - quarter, "20"), (end - quarter, "40"), (end, "80")):
        await delivered(session, market, people[0].user_id, None, kwh, start=start)

    assert (await places(session, people, KINDS.TRADED_ENERGY))[0] == (1, 51_000_000)


async def test_the_newest_delivery_of_a_trade_counts(session: AsyncSession) -> None:
    people, market = await traders(session, "1", "1", "1", "1", "1"), await a_market(session)
    trade_id = await delivered(session, market, people[0].user_id, None, "8")
    await delivered(session, market, people[0].user_id, None, "8", seller_short="5", version=2, trade_id=trade_id)

    assert (await places(session, people, KINDS.TRADED_ENERGY))[0] == (1, 4_000_000)


async def test_reliability_is_kept_of_traded_rounded_down(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    for person, seller_short, buyer_short in zip(
        people[:5], ("0", "1", "0", "1", "3"), ("0", "0", "3", "2", "0"), strict=True
    ):
        await delivered(session, market, person.user_id, None, "3", seller_short=seller_short, buyer_short=buyer_short)

    assert await places(session, people, KINDS.RELIABILITY) == [
        (1, 1_000_000),
        (3, 666_666),
        (1, 1_000_000),  # What the buyer did not take is not held against the seller.
        (3, 666_666),
        (5, 0),
        None,
    ]


async def test_the_renewable_share_is_of_what_was_delivered_to_the_buyer(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    for person, source in zip(people[:5], EnergySource, strict=True):
        await delivered(session, market, None, person.user_id, "1", source=source)
    await delivered(session, market, None, people[0].user_id, "2")  # Of unknown source.
    await delivered(session, market, people[5].user_id, None, "2", source=EnergySource.SOLAR)  # A sale.

    assert await places(session, people, KINDS.RENEWABLE_SHARE) == [
        (4, 333_333),
        (1, 1_000_000),
        (1, 1_000_000),
        (1, 1_000_000),
        (5, 0),  # Storage is no source of its own.
        None,
    ]


async def test_avoided_carbon_is_renewable_energy_times_the_factor_of_the_country(session: AsyncSession) -> None:
    people, market = await some_people(session, 5), await a_market(session)
    for person, kwh in zip(people[:4], ("1", "0.5", "2", "3"), strict=True):
        await delivered(session, market, None, person.user_id, kwh, source=EnergySource.WIND)
    source = EnergySource.SOLAR
    await delivered(session, market, None, people[4].user_id, "0.001", seller_short="0.000995", source=source)

    found = await board(session, people[0].viewer, people[0].membership.community_id, KINDS.AVOIDED_CARBON)

    assert found.factor is not None
    assert (found.factor.country, found.factor.mg_per_kwh, found.factor.is_example) == ("LU", 268_200, True)
    assert [entry.value for entry in found.entries] == [804_600, 536_400, 268_200, 134_100, 1]


async def test_without_a_factor_there_is_no_figure_and_a_reason(session: AsyncSession) -> None:
    people, market = await some_people(session, 5), await a_market(session)
    home = people[0].membership.community_id
    for person in people:
        await delivered(session, market, None, person.user_id, source=EnergySource.WIND)
    await session.execute(update(Community).where(Community.id == home).values(country="PT"))

    found = await board(session, people[0].viewer, home, KINDS.AVOIDED_CARBON)

    assert (found.entries, found.ranked_count, found.factor) == ((), None, None)
    assert found.empty_because is EmptyBecause.NO_EMISSION_FACTOR


async def test_self_sufficiency_is_shared_and_delivered_of_withdrawn(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    key_id = await a_key(session, people[0].membership.community_id)
    for person in people[:5]:
        await withdrew(session, person, "9.6")
    await shared(session, people[0], key_id, "4.8")
    await delivered(session, market, None, people[0].user_id, "1.6")
    await delivered(session, market, None, people[1].user_id, "3.2", buyer_short="0.1")
    await delivered(session, market, None, people[2].user_id, "50")  # More than it withdrew counts as all of it.
    await delivered(session, market, people[3].user_id, None, "5")  # A sale covers nothing.
    await delivered(session, market, None, people[5].user_id, "5")  # Of a meter nothing is known of.

    assert await places(session, people, KINDS.SELF_SUFFICIENCY) == [
        (2, 666_666),
        (3, 322_916),
        (1, 1_000_000),
        (4, 0),
        (4, 0),
        None,
    ]


async def test_of_allocations_of_one_day_the_newest_counts(session: AsyncSession) -> None:
    people = await some_people(session, 5)
    key_id = await a_key(session, people[0].membership.community_id)
    for person in people:
        await withdrew(session, person, "9.6")
    await shared(session, people[0], key_id, "9.6")
    await shared(session, people[0], key_id, "0.96", version=2)
    await shared(session, people[1], key_id, "9.6", days=2)
    await shared(session, people[1], key_id, "1.92", days=3)  # Another period that holds the day, made later.
    await shared(session, people[2], key_id, "9.6", days=4, direction=Direction.INJECTED)

    assert await places(session, people, KINDS.SELF_SUFFICIENCY) == [
        (2, 100_000),
        (1, 200_000),
        (3, 0),
        (3, 0),
        (3, 0),
    ]


async def test_a_point_counts_by_its_factor_for_the_days_it_took_part(session: AsyncSession) -> None:
    people, market = await some_people(session, 5), await a_market(session)
    for person in people:
        await withdrew(session, person, "9.6", DAY)
        await withdrew(session, person, "9.6", DAY + timedelta(days=1))
        await delivered(session, market, None, person.user_id, "4.8")
    half = update(Participation).where(Participation.metering_point_id == people[0].point_id)
    await session.execute(half.values(factor_ppm=500_000))
    short = update(Participation).where(Participation.metering_point_id == people[1].point_id)
    await session.execute(short.values(valid_to=DAY + timedelta(days=1)))

    assert await places(session, people, KINDS.SELF_SUFFICIENCY) == [
        (1, 500_000),
        (1, 500_000),
        (3, 250_000),
        (3, 250_000),
        (3, 250_000),
    ]


async def test_participation_counts_local_days_once(session: AsyncSession) -> None:
    people, market = await traders(session, "1", "1", "1", "1", "1"), await a_market(session)
    key_id = await a_key(session, people[0].membership.community_id)
    await shared(session, people[0], key_id, "0.96", day=DAY)
    await shared(session, people[0], key_id, "0.96", day=DAY + timedelta(days=1), direction=Direction.INJECTED)
    await shared(session, people[0], key_id, "0", day=DAY + timedelta(days=2))
    midnight = datetime(2026, 3, 19, 23, tzinfo=UTC)  # The first instant of the 20th in Luxembourg.
    await delivered(session, market, None, people[0].user_id, start=midnight)
    await delivered(session, market, None, people[0].user_id, start=midnight + timedelta(hours=12))
    await delivered(session, market, None, people[0].user_id, seller_short="1", start=midnight + timedelta(days=3))

    assert await places(session, people, KINDS.PARTICIPATION) == [
        (1, 3_000_000),
        *[(2, 1_000_000)] * 4,
    ]
