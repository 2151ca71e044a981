"""Keys: what a framework allows, what each kind needs, and that history is left alone."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import FrameworkCode
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotAllowed
from domain.kernel.intervals import day_start
from domain.metering.tables import Direction
from domain.sharing import keys
from domain.sharing.tables import KeyKind, SharingKey
from tests.factories.identity import a_viewer
from tests.factories.metering import A_DAY
from tests.factories.sharing import ZONE, a_group, a_key

W, J = Direction.WITHDRAWN, Direction.INJECTED
HALF = 500_000


async def count(session: AsyncSession) -> int:
    return (await session.execute(select(func.count()).select_from(SharingKey))).scalar_one()


async def test_the_key_in_force_is_the_latest_that_started(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    await a_key(session, group, KeyKind.EQUAL, valid_from=day_start(date(2025, 1, 1), ZONE))
    newer = await a_key(session, group, KeyKind.PRO_RATA, valid_from=day_start(date(2025, 6, 1), ZONE))

    found = await keys.key_at(await session.connection(), group.community.id, group.day())

    assert (found.id, found.kind, found.shares) == (newer, KeyKind.PRO_RATA, ())


async def test_a_period_without_a_key_or_across_a_change_is_refused(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    connection = await session.connection()
    with pytest.raises(keys.NoKeyInForce, match="no sharing key"):
        await keys.key_at(connection, group.community.id, group.day())

    await a_key(session, group, valid_from=group.day().start + timedelta(hours=1))

    with pytest.raises(keys.NoKeyInForce, match="allocate until then"):
        await keys.key_at(connection, group.community.id, group.day(days=2))


async def test_a_framework_allows_only_its_keys(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}], framework_code=FrameworkCode.AT_EEG)

    with pytest.raises(keys.KeyNotAllowed) as refused:
        await a_key(session, group, KeyKind.PRIORITY)

    assert refused.value.allowed == ["STATIC", "PRO_RATA"]
    assert await count(session) == 0


@pytest.mark.parametrize(
    ("kind", "share", "field"),
    [
        (KeyKind.STATIC, {}, "share"),
        (KeyKind.STATIC, {"share_ppm": HALF, "rank": 1}, "rank"),
        (KeyKind.STATIC, {"share_ppm": 1_000_001}, "share"),
        (KeyKind.PRIORITY, {}, "rank"),
        (KeyKind.PRIORITY, {"rank": 0}, "rank"),
        (KeyKind.PRO_RATA, {"share_ppm": HALF}, "share"),
        (KeyKind.HYBRID, {"rank": 1}, "share"),
    ],
)
async def test_each_kind_says_what_it_needs_of_a_point(
    session: AsyncSession, kind: KeyKind, share: dict[str, int], field: str
) -> None:
    group = await a_group(session, [{W: 1}])

    with pytest.raises(InvalidValue) as refused:
        await a_key(session, group, kind, shares=[keys.Share(group.points[0], W, **share)])

    assert refused.value.path == ("shares", "0", field)
    assert await count(session) == 0


async def test_shares_of_a_side_add_up_to_at_most_one(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1, J: 1}, {W: 1, J: 1}])
    shares = [keys.Share(point, W, share_ppm=HALF + 1) for point in group.points]

    with pytest.raises(InvalidValue, match=r"1\.000002, more than 1"):
        await a_key(session, group, KeyKind.STATIC, shares=shares)

    both = [keys.Share(point, side, share_ppm=HALF) for point in group.points for side in (W, J)]
    await a_key(session, group, KeyKind.STATIC, production_kind=KeyKind.STATIC, shares=both)
    assert await count(session) == 1


async def test_a_key_names_each_point_of_the_community_once(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    stranger = [keys.Share(new_id(), W, rank=1)]
    twice = [keys.Share(group.points[0], W, rank=1), keys.Share(group.points[0], W, rank=2)]

    with pytest.raises(InvalidValue, match="does not take part"):
        await a_key(session, group, KeyKind.PRIORITY, shares=stranger)
    with pytest.raises(InvalidValue, match="named twice"):
        await a_key(session, group, KeyKind.PRIORITY, shares=twice)


async def test_a_key_that_was_never_used_is_replaced_and_removed(session: AsyncSession) -> None:
    group = await a_group(session, [{W: 1}])
    first = await a_key(session, group)

    second = await a_key(session, group, KeyKind.EQUAL)

    assert list(await session.scalars(select(SharingKey.id))) == [second] != [first]
    administrator = a_viewer(administered_ids=frozenset({group.community.id}))
    with pytest.raises(NotAllowed):
        await keys.remove_key(session, second, by=a_viewer(community_ids=frozenset({group.community.id})))
    assert await keys.remove_key(session, second, by=administrator) == group.community.id
    assert list(await session.scalars(select(SharingKey.id))) == []


@pytest.mark.parametrize("kind", sorted(keys.NEEDS_SHARE))
async def test_a_key_by_shares_has_some(session: AsyncSession, kind: KeyKind) -> None:
    group = await a_group(session, [{W: 1}])

    for shares in ([], [keys.Share(group.points[0], W, share_ppm=0)]):
        with pytest.raises(InvalidValue) as refused:
            keys.check_shares(kind, W, shares)
        assert refused.value.path == ("shares",)


def test_the_day_of_the_groups_lies_within_their_memberships() -> None:
    assert date(2025, 1, 1) < A_DAY
