"""Admission: what zones, communities and runs are told to whom, so that nobody can be solved for."""

from datetime import date, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates import admission, sets
from domain.aggregates.sets import Subject, Taking
from domain.aggregates.tables import Audience, PublishedSet, SetKind
from domain.aggregates.verification import breaches
from domain.communities.tables import Community
from domain.kernel.database import new_id
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from tests.domain.aggregates.solving import solvable
from tests.domain.aggregates.towns import a_town
from tests.factories.communities import a_community
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded

DAY = timedelta(days=1)
WITHDRAWN = Direction.WITHDRAWN
DIFFERENCE, FEW = Suppression.DIFFERENCE, Suppression.FEWER_THAN_FIVE


async def verdict(
    session: AsyncSession, subject: Subject, audience: Audience = Audience.OUTSIDERS, day: date = A_DAY
) -> Suppression | None:
    """What is told of a subject's withdrawals on a day, as participations have them now."""
    connection = await session.connection()
    takings = [each for each in (await sets.read(connection, day, day)).takings if each.subject == subject]
    found = await admission.told(connection, subject, takings, (day, day), audience)
    if found[WITHDRAWN, day] is Suppression.UNDECIDED:
        await admission.decide(session, subject, takings, (day, day), audience)
        found = await admission.told(connection, subject, takings, (day, day), audience)
    return found[WITHDRAWN, day]


def of(community: Community) -> Subject:
    return Subject(SetKind.COMMUNITY, community.id)


async def test_a_zone_and_a_community_that_differ_by_one_home_are_not_both_told(session: AsyncSession) -> None:
    town, community = await a_town(session), await a_community(session)
    mills = await a_community(session)
    for _ in range(6):
        await town.home(session, community)
    await town.home(session, mills)

    assert await verdict(session, town.zone) is None
    assert await verdict(session, of(community)) is DIFFERENCE
    assert await verdict(session, of(community), Audience.MEMBERS) is DIFFERENCE


async def test_a_point_that_nobody_takes_part_with_is_not_told_by_subtraction(session: AsyncSession) -> None:
    town, community = await a_town(session), await a_community(session)
    for _ in range(6):
        await town.home(session, community)
    point = await a_metering_point(session, substation_area_id=town.area_id)
    assert await verdict(session, of(community)) is None
    await recorded(session, a_reading_day(point.id))

    assert await verdict(session, town.zone) is DIFFERENCE  # The community was told already.
    assert await verdict(session, of(community)) is None


async def test_the_older_of_two_communities_is_told_whichever_is_asked_first(session: AsyncSession) -> None:
    first, second = await a_community(session), await a_community(session)
    town = await a_town(session)
    for number in range(8):
        await town.home(session, *((first, second) if number else (first,)))

    assert [await verdict(session, of(second)), await verdict(session, of(first))] == [DIFFERENCE, None]


async def test_a_set_that_was_told_stands_when_it_is_changed_for_days_gone_by(session: AsyncSession) -> None:
    community, town = await a_community(session), await a_town(session)
    for _ in range(6):
        await town.home(session, community)
    assert await verdict(session, of(community)) is None

    await town.home(session, community)

    assert await verdict(session, of(community)) is DIFFERENCE
    assert await verdict(session, of(community), day=A_DAY + 30 * DAY) is None  # Of that day nothing was told yet.
    for _ in range(4):
        await town.home(session, community)
    await session.execute(delete(PublishedSet).where(PublishedSet.withheld.is_not(None)))
    assert await verdict(session, of(community)) is None  # Five more are enough.


async def test_unlisted_communities_are_decided_for_members_alone(session: AsyncSession) -> None:
    hidden, listed = await a_community(session, is_listed=False), await a_community(session)
    town = await a_town(session)
    for _ in range(7):
        await town.home(session, hidden, listed)
    await town.home(session, listed)

    assert await verdict(session, of(listed)) is None
    assert await verdict(session, of(hidden), Audience.MEMBERS) is DIFFERENCE


async def test_decisions_are_kept_and_joined(session: AsyncSession) -> None:
    community, town = await a_community(session), await a_town(session)
    for _ in range(5):
        await town.home(session, community)

    for day in (A_DAY + DAY, A_DAY, A_DAY + 2 * DAY):
        assert await verdict(session, of(community), day=day) is None

    rows = (await session.scalars(select(PublishedSet).where(PublishedSet.direction == WITHDRAWN))).all()
    assert [(row.first_day, row.end_day) for row in rows] == [(A_DAY, A_DAY + 3 * DAY)]


async def summed_up(session: AsyncSession) -> tuple[dict[Subject, dict[UUID, int]], dict[UUID, UUID | None]]:
    """How much of each point is in the sums of the day, and who is behind it."""
    sums: dict[Subject, dict[UUID, int]] = {}
    persons: dict[UUID, UUID | None] = {}
    for taking in (await sets.read(await session.connection(), A_DAY, A_DAY)).takings:
        if taking.direction is WITHDRAWN:
            sums.setdefault(taking.subject, {})[taking.metering_point_id] = taking.factor_ppm
            persons[taking.metering_point_id] = taking.person_id
    return sums, persons


@pytest.mark.parametrize("seed", range(6))
async def test_nobody_can_solve_for_one_person(session: AsyncSession, seed: int) -> None:
    """Random towns and communities, everything asked in random order, as nobody and as each member."""
    random = Random(seed)
    towns = [await a_town(session) for _ in range(2)]
    communities = [await a_community(session, is_listed=random.random() < 0.8) for _ in range(4)]
    for _ in range(28):
        weights = [(each, random.random()) for each in communities]
        homes = [each for each, weight in weights if weight < 0.45]
        await random.choice(towns).home(session, *homes, factor_ppm=random.choice([400_000] * 9 + [200_000]))
    asked = [(each.zone, Audience.OUTSIDERS) for each in towns]
    asked += [(of(each), audience) for each in communities for audience in Audience]
    random.shuffle(asked)

    told = {key for key in asked if await verdict(session, *key) is None}

    there, persons = await summed_up(session)
    public = [there[subject] for subject, audience in told if audience is Audience.OUTSIDERS and subject in there]
    assert solvable(public, persons) == set()
    for person in set(persons.values()):
        own = [
            there[subject]
            for subject, audience in told
            if audience is Audience.MEMBERS and person in {persons[point] for point in there.get(subject, ())}
        ]
        assert solvable([*public, *own], persons, {person}) == set()
    assert [breach async for breach in breaches(session)] == []


async def test_what_was_told_of_few_is_found(session: AsyncSession) -> None:
    persons = sorted(new_id() for _ in range(9))
    facts = {"kind": SetKind.COMMUNITY, "direction": WITHDRAWN, "audience": Audience.OUTSIDERS}
    for end, who in ((A_DAY + 2 * DAY, persons), (A_DAY + DAY, persons[:5])):
        said = {"points": who, "persons": who, "factors_ppm": [1_000_000] * len(who)}
        session.add(PublishedSet(subject_id=new_id(), first_day=A_DAY, end_day=end, **said, **facts))
    await session.flush()

    (breach,) = [each async for each in breaches(session)]

    assert breach.startswith(f"WITHDRAWN {A_DAY}: 4 persons can be told from others")


def test_takings_hold_on_their_days() -> None:
    zone = Subject(SetKind.ZONE, new_id())
    taking = Taking(zone, WITHDRAWN, new_id(), new_id(), 1_000_000, A_DAY, A_DAY + DAY)

    assert [taking.holds_on(A_DAY + number * DAY) for number in (-1, 0, 1)] == [False, True, False]
