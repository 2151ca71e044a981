"""Who is ranked, and who is told: nobody who opted out or left, nothing of fewer than five."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Membership
from domain.engagement import preferences
from domain.engagement.leaderboards import EmptyBecause
from domain.identity.viewers import ANONYMOUS
from domain.kernel.errors import InvalidValue
from tests.domain.engagement.boards import KINDS, board, traders
from tests.factories.communities import a_community, a_member, a_membership
from tests.factories.engagement import NOW, some_people
from tests.factories.identity import an_admin


async def test_of_four_nothing_is_told(session: AsyncSession) -> None:
    people = await traders(session, "4", "3", "2", "1")
    await some_people(session, 3, await session.get_one(Community, people[0].membership.community_id))

    found = await board(session, people[0].viewer, people[0].membership.community_id, KINDS.TRADED_ENERGY)

    assert (list(found.entries), found.own, found.ranked_count) == ([], None, None)
    assert found.empty_because is EmptyBecause.TOO_FEW


async def test_who_opts_out_is_neither_ranked_nor_counted_at_once(session: AsyncSession) -> None:
    people = await traders(session, "6", "5", "4", "3", "2", "1")
    home = people[0].membership.community_id

    await preferences.set_preference(session, people[0].viewer, is_opted_out=True, now=NOW)
    without = await board(session, people[0].viewer, home, KINDS.TRADED_ENERGY)
    await preferences.set_preference(session, people[1].viewer, is_opted_out=True, now=NOW)
    too_few = await board(session, people[0].viewer, home, KINDS.TRADED_ENERGY)
    await preferences.set_preference(session, people[0].viewer, is_opted_out=False, now=NOW)
    again = await board(session, people[0].viewer, home, KINDS.TRADED_ENERGY)

    assert (without.ranked_count, without.own, without.entries[0].value) == (5, None, 5_000_000)
    assert too_few.empty_because is EmptyBecause.TOO_FEW
    assert again.own is not None
    assert (again.ranked_count, again.own.rank) == (5, 1)


async def test_who_left_is_ranked_no_more(session: AsyncSession) -> None:
    people = await traders(session, "6", "5", "4", "3", "2", "1")
    home = people[0].membership.community_id
    left = update(Membership).where(Membership.id == people[0].membership.id)
    await session.execute(left.values(valid_to=NOW.date()))

    found = await board(session, people[1].viewer, home, KINDS.TRADED_ENERGY)

    assert (found.ranked_count, found.entries[0].value, found.entries[0].is_viewer) == (5, 5_000_000, True)


async def test_a_person_with_two_members_counts_once(session: AsyncSession) -> None:
    people = await traders(session, "5", "4", "3", "2")
    home = await session.get_one(Community, people[0].membership.community_id)
    second = await a_member(session, name="Works")
    second.user_id = people[0].user_id
    await a_membership(session, home, second)
    await session.flush()

    found = await board(session, people[1].viewer, home.id, KINDS.TRADED_ENERGY)

    assert found.empty_because is EmptyBecause.TOO_FEW


async def test_first_limits_the_places_and_the_own_one_is_told_still(session: AsyncSession) -> None:
    people = await traders(session, "5", "4", "3", "2", "1")
    home = people[0].membership.community_id

    found = await board(session, people[4].viewer, home, KINDS.TRADED_ENERGY, first=2)

    assert [(entry.rank, entry.value, entry.is_viewer) for entry in found.entries] == [
        (1, 5_000_000, False),
        (2, 4_000_000, False),
    ]
    assert found.own is not None
    assert (found.own.rank, found.own.value, found.own.is_viewer) == (5, 1_000_000, True)
    assert found.ranked_count == 5


async def test_outsiders_are_told_nothing(session: AsyncSession) -> None:
    people = await traders(session, "5", "4", "3", "2", "1")
    [stranger] = await some_people(session, 1)
    home = people[0].membership.community_id

    for viewer in (ANONYMOUS, stranger.viewer):
        found = await board(session, viewer, home, KINDS.TRADED_ENERGY)
        assert (found.ranked_count, found.entries, found.empty_because) == (None, (), EmptyBecause.MEMBERS_ONLY)

    administrator = replace(stranger.viewer, administered_ids=frozenset({home}))
    assert (await board(session, administrator, home, KINDS.TRADED_ENERGY)).ranked_count == 5


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"month": date(2026, 3, 2)}, "month"),
        ({"month": date(2026, 5, 1)}, "month"),
        ({"month": date(9998, 12, 1)}, "month"),
        ({"month": date(2021, 3, 1)}, "month"),
        ({"month": date(2, 1, 1)}, "month"),
        ({"first": 0}, "first"),
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
    ],
)
async def test_months_and_sizes_have_bounds(session: AsyncSession, given: dict[str, Any], path: str) -> None:
    [person] = await some_people(session, 1)
    home = person.membership.community_id

    with pytest.raises(InvalidValue) as refused:
        await board(session, person.viewer, home, KINDS.RELIABILITY, **given)

    assert refused.value.path == (path,)


async def test_a_community_without_anything_has_empty_boards(session: AsyncSession) -> None:
    home = await a_community(session)

    found = {kind: await board(session, an_admin(), home.id, kind) for kind in KINDS}

    assert {kind: each.empty_because for kind, each in found.items()} == dict.fromkeys(KINDS, EmptyBecause.TOO_FEW)
