"""Cards: random labels, one for each membership and for good, from which nothing can be told."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.engagement import cards
from domain.engagement.tables import MemberCard
from tests.factories.communities import a_community, a_member, a_membership
from tests.factories.engagement import some_people
from tests.factories.identity import a_user


async def drawn(session: AsyncSession) -> dict[object, str]:
    """Labels by membership."""
    rows = await session.execute(select(MemberCard.membership_id, MemberCard.label))
    return {row.membership_id: row.label for row in rows}


@given(st.integers(0, 300), st.integers(0, 40), st.integers(0, 2**32))
def test_labels_are_new_and_differ(given_before: int, count: int, seed: int) -> None:
    before = cards.labels(given_before, (), Random(seed))

    made = cards.labels(count, before, Random(seed + 1))

    assert len({*before, *made}) == given_before + count


def test_there_is_always_room_to_draw_from() -> None:
    made = cards.labels(3_000, (), Random(1))

    assert max(int(label[len("House A") :]) for label in made) > cards.NUMBER_MAX
    assert len(set(made)) == 3_000


async def test_each_membership_gets_a_card_and_keeps_it(session: AsyncSession) -> None:
    people = await some_people(session, 6)
    before = await drawn(session)

    again = await cards.draw(session, people[0].membership.community_id, Random(2))

    assert again == 0
    assert await drawn(session) == before
    assert set(before) == {person.membership.id for person in people}
    assert len(set(before.values())) == 6


async def test_the_same_random_numbers_draw_the_same_cards(session: AsyncSession) -> None:
    first, second = await some_people(session, 5, seed=7), await some_people(session, 5, seed=7)
    labels = await drawn(session)

    assert [labels[each.membership.id] for each in first] == [labels[each.membership.id] for each in second]


async def test_neither_labels_nor_ids_tell_who_came_first(session: AsyncSession) -> None:
    people = await some_people(session, 40)
    labels = await drawn(session)
    ids = list(await session.scalars(select(MemberCard.id).order_by(MemberCard.id)))

    by_joining = [labels[person.membership.id] for person in people]
    versions = {id.version for id in ids}
    rows = await session.execute(select(MemberCard.id, MemberCard.label).order_by(MemberCard.id))

    assert by_joining != sorted(by_joining)
    assert [row.label for row in rows] != by_joining
    assert versions == {4}


async def test_who_returns_gets_another_card_and_nobody_the_old_one(session: AsyncSession) -> None:
    home, member = await a_community(session), await a_member(session, await a_user(session))
    left = await a_membership(session, home, member, valid_to=date(2026, 1, 1))
    await cards.draw(session, home.id, Random(1))
    returned = await a_membership(session, home, member, valid_from=date(2026, 2, 1))
    others = [await a_membership(session, home, await a_member(session, await a_user(session))) for _ in range(50)]

    await cards.draw(session, home.id, Random(1))  # The numbers that drew the first card.

    labels = await drawn(session)
    assert len({labels[each.id] for each in (left, returned, *others)}) == 52


async def test_members_nobody_signs_in_for_get_none(session: AsyncSession) -> None:
    home = await a_community(session)
    await a_membership(session, home, await a_member(session))

    assert await cards.draw(session, home.id, Random(1)) == 0
    assert await drawn(session) == {}


async def test_cards_of_new_memberships_are_drawn_soon_and_of_old_ones_by_the_job(session: AsyncSession) -> None:
    home = await a_community(session)
    await a_membership(session, home, await a_member(session, await a_user(session)))
    now = datetime.now(UTC)

    later = await cards.draw_new(session, Random(1), now=now + timedelta(hours=1))
    missing = await cards.draw_missing(session, Random(1))
    await a_membership(session, home, await a_member(session, await a_user(session)))
    soon = await cards.draw_new(session, Random(1), now=now)

    assert (later, missing, soon) == (0, 1, 1)


async def test_the_audit_log_tells_how_many_were_drawn_and_not_whose(session: AsyncSession) -> None:
    people = await some_people(session, 3)
    home = people[0].membership.community_id

    entry = await session.scalar(select(AuditEntry).where(AuditEntry.act == "community.draw_cards"))

    assert entry is not None
    assert (entry.chain, entry.actor, entry.subject_id, entry.facts) == (str(home), "clock", home, {"count": 3})


@pytest.mark.parametrize("change", ["UPDATE member_card SET label = 'House A1'", "DELETE FROM member_card"])
async def test_a_card_is_never_changed(session: AsyncSession, change: str) -> None:
    await some_people(session, 1)
    before = await drawn(session)

    with pytest.raises(ProgrammingError):
        async with session.begin_nested():
            await session.execute(text(change))

    assert await drawn(session) == before
