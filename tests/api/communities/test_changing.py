"""Changing and closing communities over GraphQL: what counts, what is refused, and who may."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.resources.settings import Caps
from domain.communities.tables import Community, CommunityRole, FrameworkCode
from domain.identity.tables import PlatformRole, User
from domain.identity.viewers import ANONYMOUS
from tests.api.communities.founding import A_LANE
from tests.api.conftest import Execute
from tests.factories.communities import (
    a_community,
    a_member,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
)
from tests.factories.geography import MODENA, a_point, a_square, a_substation_area
from tests.factories.identity import a_user, a_viewer, an_admin, viewer_of
from tests.factories.metering import a_metering_point

UPDATE = """
mutation ($input: UpdateCommunityInput!) {
  updateCommunity(input: $input) {
    community { name description version isListed location }
    errors { __typename code path ... on StaleVersion { currentVersion } ... on OutsideArea { areaCode foundCode } }
  }
}
"""
CLOSE = """
mutation ($input: CloseCommunityInput!) {
  closeCommunity(input: $input) { community { status version } errors { __typename code } }
}
"""


async def test_a_change_counts_the_version_up(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session, description="Old")
    viewer = await an_administrator(session, community)
    given = {
        "id": f"Community:{community.id}",
        "expectedVersion": 1,
        "name": "New",
        "description": None,
        "isListed": False,
        "location": A_LANE["location"],
    }

    answer = await execute(UPDATE, viewer, input=given)

    assert answer.refusals("updateCommunity") == []
    changed = answer.data["updateCommunity"]["community"]
    assert changed.pop("location") == A_LANE["location"]
    assert changed == {"name": "New", "description": None, "version": 2, "isListed": False}
    again = await execute(UPDATE, viewer, input=given)
    assert again.refusals("updateCommunity") == [
        {"__typename": "StaleVersion", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 2}
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [({}, []), ({"name": None}, ["name"]), ({"isListed": None}, ["isListed"]), ({"name": ""}, ["name"])],
)
async def test_refuses_changes(execute: Execute, session: AsyncSession, change: Any, path: list[str]) -> None:
    community = await a_community(session)
    viewer = await an_administrator(session, community)

    answer = await execute(UPDATE, viewer, input={"id": f"Community:{community.id}", "expectedVersion": 1} | change)

    assert [error["path"] for error in answer.refusals("updateCommunity")] == [path]
    assert (await session.execute(select(Community.name, Community.version))).one() == ("Rue des Pins", 1)


async def test_the_area_changes_only_where_all_points_lie_in_it(execute: Execute, session: AsyncSession) -> None:
    area, other = await a_substation_area(session), await a_substation_area(session, "AC001E00002", a_square(11.5))
    community = await a_community(
        session, framework_code=FrameworkCode.IT_CER, country="IT", substation_area_id=area.id
    )
    lon, lat = MODENA
    point = await a_metering_point(session, location=a_point(lon + 0.05, lat + 0.05), substation_area_id=area.id)
    await a_participation(session, await a_membership(session, community), point)
    viewer = await an_administrator(session, community)
    given = {"id": f"Community:{community.id}", "expectedVersion": 1}

    moved = await execute(UPDATE, viewer, input=given | {"substationAreaId": f"SubstationArea:{other.id}"})
    cleared = await execute(UPDATE, viewer, input=given | {"substationAreaId": None})

    assert moved.refusals("updateCommunity") == [
        {
            "__typename": "OutsideArea",
            "code": "OUTSIDE_AREA",
            "path": None,
            "areaCode": other.code,
            "foundCode": area.code,
        }
    ]
    assert [error["path"] for error in cleared.refusals("updateCommunity")] == [["substationAreaId"]]


async def test_a_closed_community_is_changed_no_more(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    viewer = await an_administrator(session, community)
    given = {"id": f"Community:{community.id}", "expectedVersion": 1}

    closed = await execute(CLOSE, viewer, input=given)
    again = await execute(CLOSE, viewer, input=given | {"expectedVersion": 2})
    changed = await execute(UPDATE, viewer, input=given | {"expectedVersion": 2, "name": "New"})

    assert closed.data["closeCommunity"]["community"] == {"status": "CLOSED", "version": 2}
    assert again.refusals("closeCommunity") == [{"__typename": "CommunityClosed", "code": "COMMUNITY_CLOSED"}]
    assert changed.refusals("updateCommunity")[0]["__typename"] == "CommunityClosed"


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize(
    ("who", "listed", "unlisted"),
    [
        ("nobody", "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN", "NOT_FOUND"),
        ("member", "FORBIDDEN", "FORBIDDEN"),
        ("administrator elsewhere", "FORBIDDEN", "NOT_FOUND"),
        ("administrator", None, None),
        ("platform administrator", None, None),
    ],
)
async def test_who_may_change_a_community(
    execute: Execute, session: AsyncSession, who: str, listed: str | None, unlisted: str | None, is_listed: bool
) -> None:
    community = await a_community(session, is_listed=is_listed)
    viewer = {
        "nobody": ANONYMOUS,
        "stranger": a_viewer(),
        "member": a_viewer_through(await a_membership(session, community)),
        "administrator elsewhere": await an_administrator(session, await a_community(session)),
        "administrator": await an_administrator(session, community),
        "platform administrator": an_admin(),
    }[who]
    given = {"id": f"Community:{community.id}", "expectedVersion": 1}

    answer = await execute(UPDATE, viewer, input=given | {"name": "New"})

    refused = [error["code"] for error in answer.errors] or [
        error["code"] for error in answer.data["updateCommunity"]["errors"]
    ]
    expected = listed if is_listed else unlisted
    assert refused == ([expected] if expected else [])
    name = (await session.execute(select(Community.name).where(Community.id == community.id))).scalar_one()
    assert name == ("Rue des Pins" if expected else "New")


FOUND = """
mutation ($input: CreateCommunityInput!) {
  createCommunity(input: $input) {
    community { id }
    errors { code ... on TooManyCommunities { maximum } }
  }
}
"""


async def test_a_user_founds_so_many_communities_and_another_when_one_is_closed(
    execute: Execute, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Caps, "communities", 2)
    founder = await viewer_of(session, await a_user(session))
    made = [(await execute(FOUND, founder, input=A_LANE)).data["createCommunity"] for _ in range(3)]
    assert [each["errors"] for each in made] == [[], [], [{"code": "TOO_MANY_COMMUNITIES", "maximum": 2}]]
    founder = await viewer_of(session, await session.get_one(User, founder.user_id))

    closed = await execute(CLOSE, founder, input={"id": made[0]["community"]["id"], "expectedVersion": 1})
    again = await execute(FOUND, founder, input=A_LANE)

    assert closed.refusals("closeCommunity") == again.refusals("createCommunity") == []
    assert len((await session.scalars(select(Community))).all()) == 3


async def test_administrators_of_the_platform_found_any_number(
    execute: Execute, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Caps, "communities", 1)
    someone = await viewer_of(session, await a_user(session))
    admin = replace(someone, roles=frozenset({PlatformRole.ADMIN}))

    for _ in range(2):
        assert (await execute(FOUND, admin, input=A_LANE)).refusals("createCommunity") == []


async def test_being_made_administrator_takes_nobodys_room(
    execute: Execute, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Caps, "communities", 1)
    user = await a_user(session)
    await a_membership(session, await a_community(session), await a_member(session, user), roles=[CommunityRole.ADMIN])
    appointed = await viewer_of(session, user)
    assert appointed.administered_ids

    assert (await execute(FOUND, appointed, input=A_LANE)).refusals("createCommunity") == []
