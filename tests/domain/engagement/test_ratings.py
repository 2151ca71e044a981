"""Ratings: kept of what was traded, exactly, by the newest deliveries of 90 days."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.engagement import preferences, ratings
from domain.engagement.ratings import Rating, ReputationLevel, Side
from domain.engagement.tables import MemberRating
from tests.factories.communities import a_community
from tests.factories.engagement import NOON, delivered, some_people
from tests.factories.identity import a_user
from tests.factories.market import a_market
from tests.factories.prices import a_trade

TODAY = date(2026, 3, 12)
NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)


async def rated(session: AsyncSession, user_id: UUID, day: date = TODAY) -> Rating | None:
    await ratings.record(session, day, actor="test")
    return await ratings.of_user(await session.connection(), user_id, now=NOW)


async def test_each_side_is_held_to_what_failed_on_its_own(session: AsyncSession) -> None:
    seller, buyer = (await a_user(session)).id, (await a_user(session)).id
    market = await a_market(session)
    await delivered(session, market, seller, buyer, "3", seller_short="1")
    await delivered(session, market, seller, buyer, "4", buyer_short="0.5", seller_short="0.5")

    await ratings.record(session, TODAY, actor="test")

    connection = await session.connection()
    sold = await ratings.of_user(connection, seller, now=NOW)
    bought = await ratings.of_user(connection, buyer, now=NOW)
    none = Side(0, 0, 0)
    assert sold == Rating(TODAY, Side(2, 7_000_000, 5_500_000), none)
    assert bought == Rating(TODAY, none, Side(2, 7_000_000, 6_500_000))


async def test_the_newest_version_of_a_delivery_counts(session: AsyncSession) -> None:
    seller, market = (await a_user(session)).id, await a_market(session)
    trade_id = await delivered(session, market, seller, None, "1", seller_short="1")
    await delivered(session, market, seller, None, "1", seller_short="0.25", version=2, trade_id=trade_id)

    found = await rated(session, seller)

    assert found == Rating(TODAY, Side(1, 1_000_000, 750_000), Side(0, 0, 0))


async def test_only_settled_trades_of_ninety_days_count(session: AsyncSession) -> None:
    seller, market = (await a_user(session)).id, await a_market(session)
    midnight = datetime(2026, 3, 12, tzinfo=UTC)
    await delivered(session, market, seller, None, "1", start=midnight - timedelta(days=90))
    await delivered(session, market, seller, None, "2", start=midnight - timedelta(days=90, minutes=15))
    await delivered(session, market, seller, None, "4", start=midnight)
    await a_trade(session, market, NOON, "0.2", "8", seller_id=seller)  # Not settled yet.

    found = await rated(session, seller)

    assert found is not None
    assert found.seller == Side(1, 1_000_000, 1_000_000)


async def test_who_traded_nothing_has_no_rating(session: AsyncSession) -> None:
    stranger, market = (await a_user(session)).id, await a_market(session)
    await delivered(session, market, None, None)

    assert await rated(session, stranger) is None


async def test_a_day_is_rated_once(session: AsyncSession) -> None:
    seller, market = (await a_user(session)).id, await a_market(session)
    await delivered(session, market, seller, None, "1", seller_short="1")
    first = await ratings.record(session, TODAY, actor="test")
    await delivered(session, market, seller, None, "1")

    again = await ratings.record(session, TODAY, actor="test")

    found = await ratings.of_user(await session.connection(), seller, now=NOW)
    entries = select(func.count()).select_from(AuditEntry).where(AuditEntry.act == "members.rate")
    assert (first, again, await session.scalar(entries)) == (2, 0, 1)
    assert found is not None
    assert found.seller == Side(1, 1_000_000, 0)


async def test_the_newest_day_holds_and_an_old_one_does_not(session: AsyncSession) -> None:
    seller, market = (await a_user(session)).id, await a_market(session)
    await delivered(session, market, seller, None, "1", start=NOON - timedelta(days=40), seller_short="1")
    await ratings.record(session, TODAY - timedelta(days=1), actor="test")
    await delivered(session, market, seller, None, "1")
    await ratings.record(session, TODAY, actor="test")
    connection = await session.connection()

    now = await ratings.of_user(connection, seller, now=NOW)
    much_later = await ratings.of_user(connection, seller, now=NOW + ratings.FRESH + timedelta(days=1))

    assert now is not None
    assert (now.day, now.seller, much_later) == (TODAY, Side(2, 2_000_000, 1_000_000), None)
    assert await session.scalar(select(func.count()).select_from(MemberRating)) == 5


async def test_ratings_of_a_community_are_told_from_five_on(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    home = people[0].membership.community_id
    for person in people[:5]:
        await delivered(session, market, person.user_id, None)
    await ratings.record(session, TODAY, actor="test")
    connection = await session.connection()

    five = await ratings.of_communities(connection, [home], now=NOW)
    await preferences.set_preference(session, people[0].viewer, is_opted_out=True, now=NOW)
    four = await ratings.of_communities(connection, [home], now=NOW)

    assert set(five) == {person.membership.id for person in people[:5]}
    assert four == {}


async def test_few_of_each_of_two_communities_do_not_add_up(session: AsyncSession) -> None:
    market, homes = await a_market(session), [await a_community(session) for _ in range(2)]
    groups = [await some_people(session, 3, home) for home in homes]
    for person in (*groups[0], *groups[1]):
        await delivered(session, market, person.user_id, None)
    await ratings.record(session, TODAY, actor="test")

    found = await ratings.of_communities(await session.connection(), [home.id for home in homes], now=NOW)

    assert found == {}


@given(st.integers(1, 10**15), st.integers(0, 10**15))
def test_reliability_is_the_fraction_rounded_down(traded: int, kept: int) -> None:
    kept = min(kept, traded)

    found = Side(1, traded, kept).reliability_ppm

    assert found is not None
    assert 0 <= Fraction(kept, traded) - Fraction(found, 1_000_000) < Fraction(1, 1_000_000)
    assert (found == 1_000_000) == (kept == traded)


@pytest.mark.parametrize(
    ("trades", "kept_ppm", "level"),
    [
        (19, 1_000_000, ReputationLevel.NEW),
        (20, 749_999, ReputationLevel.UNRELIABLE),
        (20, 750_000, ReputationLevel.FAIR),
        (20, 899_999, ReputationLevel.FAIR),
        (20, 900_000, ReputationLevel.RELIABLE),
        (99, 1_000_000, ReputationLevel.RELIABLE),
        (100, 979_999, ReputationLevel.RELIABLE),
        (100, 980_000, ReputationLevel.EXCELLENT),
    ],
)
def test_levels_begin_at_their_thresholds(trades: int, kept_ppm: int, level: ReputationLevel) -> None:
    assert ratings.level_of(Side(trades, 1_000_000, kept_ppm)) is level
