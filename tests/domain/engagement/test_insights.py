"""Insights: one's own month beside the mean of at least five others, as codes and facts."""

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community
from domain.engagement import cards, insights, preferences
from domain.engagement.insights import CommunityInsights, Insight, InsightCode, InsightMeasure, Mean
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue
from domain.market.places.tables import EnergySource
from tests.factories.communities import a_community, a_membership
from tests.factories.engagement import MARCH, NOW, delivered, some_people, withdrew
from tests.factories.identity import a_user, viewer_of
from tests.factories.market import a_market
from tests.factories.prices import grid_prices

MEASURES, CODES = InsightMeasure, InsightCode
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


async def read(session: AsyncSession, viewer: Viewer, **given: Any) -> list[CommunityInsights]:
    facts = {"month": MARCH, "now": NOW} | given
    return await insights.read(await session.connection(), viewer, facts["month"], now=facts["now"])


def by_measure(found: CommunityInsights) -> dict[InsightMeasure, Insight]:
    return {each.measure: each for each in found.insights}


async def test_the_mean_is_that_of_the_others(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    await grid_prices(session, market, "0.3", "0.08", SINCE)
    for person, kwh in zip(people, ("6", "1", "2", "3", "4", "0.001"), strict=True):
        source = EnergySource.SOLAR if kwh != "4" else EnergySource.STORAGE
        await delivered(session, market, None, person.user_id, kwh, source=source)
        await withdrew(session, person, "9.6")

    [found] = await read(session, people[0].viewer)

    assert found.community_id == people[0].membership.community_id
    assert by_measure(found) == {
        MEASURES.SELF_SUFFICIENCY: Insight(
            MEASURES.SELF_SUFFICIENCY, CODES.ABOVE_MEAN, 625_000, Mean(208_354, 5)
        ),  # 104166, 208333, 312500, 416666 and 104 of a million, rounded half-even.
        MEASURES.RENEWABLE_SHARE: Insight(MEASURES.RENEWABLE_SHARE, CODES.ABOVE_MEAN, 1_000_000, Mean(800_000, 5)),
        MEASURES.AVOIDED_CARBON: Insight(
            MEASURES.AVOIDED_CARBON, CODES.ABOVE_MEAN, 1_609_200, Mean(321_894, 5)
        ),  # 268.2 g/kWh x (1 + 2 + 3 + 0.001) kWh / 5
        MEASURES.SAVINGS: Insight(MEASURES.SAVINGS, CODES.ABOVE_MEAN, 600_000, Mean(200_020, 5)),
    }


async def test_the_means_of_two_communities_do_not_tell_the_one_who_is_in_one_of_them(session: AsyncSession) -> None:
    people, market, second = await some_people(session, 7), await a_market(session), await a_community(session)
    for person in people:
        await delivered(session, market, None, person.user_id, source=EnergySource.SOLAR)
    for person in people[:-1]:
        await a_membership(session, second, person.member)
    await cards.draw(session, second.id, Random(2))
    viewer = await viewer_of(session, await session.get_one(User, people[0].user_id))

    older, younger = [by_measure(each)[MEASURES.RENEWABLE_SHARE] for each in await read(session, viewer)]

    assert (older.mean, younger.mean) == (Mean(1_000_000, 6), None)


async def test_below_and_above_the_mean_have_codes_of_their_own(session: AsyncSession) -> None:
    people, market = await some_people(session, 7), await a_market(session)
    for person in people[1:]:
        await delivered(session, market, None, person.user_id, source=EnergySource.SOLAR)
    await delivered(session, market, None, people[0].user_id)

    below, above = [by_measure((await read(session, person.viewer))[0]) for person in people[:2]]

    share = MEASURES.RENEWABLE_SHARE
    assert below[share] == Insight(share, CODES.BELOW_MEAN, 0, Mean(1_000_000, 6))
    assert above[share] == Insight(share, CODES.ABOVE_MEAN, 1_000_000, Mean(833_333, 6))


async def test_equal_figures_are_at_the_mean(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    for person in people:
        await delivered(session, market, None, person.user_id, source=EnergySource.SOLAR)

    [found] = await read(session, people[0].viewer)

    carbon = by_measure(found)[MEASURES.AVOIDED_CARBON]
    assert (carbon.code, carbon.own, carbon.mean) == (CODES.AT_MEAN, 268_200, Mean(268_200, 5))


async def test_what_there_is_no_figure_of_has_a_reason(session: AsyncSession) -> None:
    [person] = await some_people(session, 1)
    home = person.membership.community_id

    [alone] = await read(session, person.viewer)
    await session.execute(update(Community).where(Community.id == home).values(country="PT"))
    [without_factor] = await read(session, person.viewer)

    assert {each.measure: (each.code, each.own, each.mean) for each in alone.insights} == {
        MEASURES.SELF_SUFFICIENCY: (CODES.NOTHING_WITHDRAWN, None, None),
        MEASURES.RENEWABLE_SHARE: (CODES.NOTHING_BOUGHT, None, None),
        MEASURES.AVOIDED_CARBON: (CODES.NOTHING_BOUGHT, None, None),
        MEASURES.SAVINGS: (CODES.NOTHING_TO_COMPARE, None, None),
    }
    assert by_measure(without_factor)[MEASURES.AVOIDED_CARBON].code is CODES.NO_EMISSION_FACTOR
    assert (alone.factor is None, without_factor.factor) == (False, None)


async def test_of_four_others_no_mean_is_told(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    for person in people:
        await delivered(session, market, None, person.user_id, source=EnergySource.SOLAR)
    await preferences.set_preference(session, people[5].viewer, is_opted_out=True, now=NOW)

    [found] = await read(session, people[0].viewer)
    [of_who_opted_out] = await read(session, people[5].viewer)

    share = MEASURES.RENEWABLE_SHARE
    assert by_measure(found)[share] == Insight(share, CODES.TOO_FEW_MEMBERS, 1_000_000, None)
    assert by_measure(of_who_opted_out)[share] == Insight(share, CODES.AT_MEAN, 1_000_000, Mean(1_000_000, 5))


async def test_purchases_without_a_tariff_are_left_out_of_savings(session: AsyncSession) -> None:
    people = await some_people(session, 6)
    known, unknown = await a_market(session), await a_market(session)
    await grid_prices(session, known, "0.25", "0.08", SINCE)
    for person in people:
        await delivered(session, known, None, person.user_id, "0.003", price="0.3")
        await delivered(session, unknown, None, person.user_id, "7")

    [found] = await read(session, people[0].viewer)

    assert by_measure(found)[MEASURES.SAVINGS] == Insight(MEASURES.SAVINGS, CODES.AT_MEAN, -150, Mean(-150, 5))


async def test_each_community_has_its_own_means(session: AsyncSession) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    [elsewhere] = await some_people(session, 1)
    viewer = Viewer(
        user_id=people[0].user_id,
        member_ids=people[0].viewer.member_ids,
        community_ids=people[0].viewer.community_ids | elsewhere.viewer.community_ids,
    )
    for person in people:
        await delivered(session, market, None, person.user_id, source=EnergySource.SOLAR)

    first, second = await read(session, viewer)

    share = MEASURES.RENEWABLE_SHARE
    assert [by_measure(each)[share].code for each in (first, second)] == [CODES.AT_MEAN, CODES.TOO_FEW_MEMBERS]
    assert [by_measure(each)[share].own for each in (first, second)] == [1_000_000] * 2


async def test_who_is_in_no_community_learns_of_itself(session: AsyncSession) -> None:
    user, market = await a_user(session), await a_market(session)
    await delivered(session, market, None, user.id, source=EnergySource.SOLAR)

    [found] = await read(session, Viewer(user_id=user.id))

    share = MEASURES.RENEWABLE_SHARE
    assert (found.community_id, found.timezone) == (None, "UTC")
    assert by_measure(found)[share] == Insight(share, CODES.TOO_FEW_MEMBERS, 1_000_000, None)


@pytest.mark.parametrize("month", [date(2026, 3, 2), date(2026, 5, 1), date(2020, 1, 1)])
async def test_months_have_bounds(session: AsyncSession, month: date) -> None:
    [person] = await some_people(session, 1)

    with pytest.raises(InvalidValue) as refused:
        await read(session, person.viewer, month=month, now=NOW)

    assert refused.value.path == ("month",)
