"""Communities over GraphQL: who sees what, and how they are founded, changed and closed."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.communities.tables import Community, CommunityRole, FrameworkCode, Member, Membership
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from tests.api.conftest import Execute
from tests.factories.communities import (
    a_community,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
)
from tests.factories.geography import MODENA, a_point, a_square, a_substation_area
from tests.factories.identity import a_user, a_viewer, an_admin
from tests.factories.metering import a_metering_point

LIST = """
query ($filter: CommunityFilter) { communities(filter: $filter, orderBy: NAME) { edges { node { name } } } }
"""
CREATE = """
mutation ($input: CreateCommunityInput!) {
  createCommunity(input: $input) {
    community {
      name status country version memberCount framework { code interval needsSubstationArea allowedKeys }
      substationArea { code } boundary location
      members { edges { node { name legalForm } } }
      memberships { edges { node { kind roles validTo } } }
    }
    errors { __typename code path message }
  }
}
"""
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
SQUARE = {"type": "Polygon", "coordinates": [[[6, 49], [6.1, 49], [6.1, 49.1], [6, 49.1], [6, 49]]]}
CROSSING = {"type": "Polygon", "coordinates": [[[6, 49], [7, 50], [7, 49], [6, 50], [6, 49]]]}
A_LANE = {
    "framework": "LU_SHARING",
    "kind": "LANE",
    "name": " Rue des Pins ",
    "timezone": "Europe/Luxembourg",
    "boundary": SQUARE,
    "location": {"type": "Point", "coordinates": [6.05, 49.05]},
    "legalForm": "SME",
    "memberKind": "PROSUMER",
}


def names(data: Any) -> list[str]:
    return [edge["node"]["name"] for edge in data["edges"]]


async def count(session: AsyncSession, table: Any) -> int:
    return (await session.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
async def founder(session: AsyncSession) -> Viewer:
    return a_viewer(user_id=(await a_user(session, name="Ada")).id)


async def test_the_founder_becomes_a_member_who_administers(execute: Execute, founder: Viewer) -> None:
    answer = await execute(CREATE, founder, input=A_LANE)

    assert answer.refusals("createCommunity") == []
    community = answer.data["createCommunity"]["community"]
    geometries = [community.pop(name) for name in ("boundary", "location")]
    assert community == {
        "name": "Rue des Pins",
        "status": "ACTIVE",
        "country": "LU",
        "version": 1,
        "memberCount": 1,
        "framework": {
            "code": "LU_SHARING",
            "interval": "QUARTER_HOUR",
            "needsSubstationArea": False,
            "allowedKeys": ["EQUAL", "STATIC", "STATIC_ROUNDS", "PRO_RATA", "PRIORITY", "HYBRID"],
        },
        "substationArea": None,
        "members": {"edges": [{"node": {"name": "Ada", "legalForm": "SME"}}]},
        "memberships": {"edges": [{"node": {"kind": "PROSUMER", "roles": ["ADMIN", "MEMBER"], "validTo": None}}]},
    }
    assert geometries == [{"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]}, A_LANE["location"]]


async def test_founding_leaves_entries_in_the_chain_of_the_community(
    execute: Execute, session: AsyncSession, founder: Viewer
) -> None:
    await execute(CREATE, founder, input=A_LANE)

    community = (await session.scalars(select(Community))).one()
    entries = await session.scalars(
        select(AuditEntry.act).where(AuditEntry.chain == str(community.id)).order_by(AuditEntry.sequence)
    )
    assert list(entries) == ["community.create", "membership.create"]


async def test_an_italian_community_is_bounded_by_its_area(
    execute: Execute, session: AsyncSession, founder: Viewer
) -> None:
    area = await a_substation_area(session)
    given = {"framework": "IT_CER", "kind": "SUBSTATION", "name": "CER", "timezone": "Europe/Rome"}

    refused = await execute(CREATE, founder, input=given)
    made = await execute(CREATE, founder, input=given | {"substationAreaId": f"SubstationArea:{area.id}"})

    assert [error["path"] for error in refused.refusals("createCommunity")] == [["substationAreaId"]]
    community = made.data["createCommunity"]["community"]
    assert (community["country"], community["substationArea"]) == ("IT", {"code": area.code})


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": " "}, ["name"], "INVALID_INPUT"),
        ({"name": "a\u0000b"}, ["name"], "INVALID_INPUT"),
        ({"name": "x" * 121}, ["name"], "INVALID_INPUT"),
        ({"description": "x" * 2001}, ["description"], "INVALID_INPUT"),
        ({"timezone": "Mars/Olympus"}, ["timezone"], "INVALID_INPUT"),
        ({"timezone": "../../etc/passwd"}, ["timezone"], "INVALID_INPUT"),
        ({"country": "IT"}, ["country"], "INVALID_INPUT"),
        ({"framework": "EU_TRADING"}, ["country"], "INVALID_INPUT"),
        ({"framework": "EU_TRADING", "country": "lu"}, ["country"], "INVALID_INPUT"),
        ({"substationAreaId": f"SubstationArea:{new_id()}"}, None, "NOT_FOUND"),
        (
            {"boundary": {"type": "Polygon", "coordinates": [[[6, 49], [7, 50], [7, 49], [6, 50], [6, 49]]]}},
            None,
            "GEOMETRY_INVALID",
        ),
        ({"location": {"type": "Point", "coordinates": [49.05, 6.05]}}, None, "GEOMETRY_INVALID"),
        ({"memberName": ""}, ["name"], "INVALID_INPUT"),
    ],
)
async def test_refuses_to_found_and_leaves_nothing(
    execute: Execute, session: AsyncSession, founder: Viewer, change: Any, path: Any, code: str
) -> None:
    answer = await execute(CREATE, founder, input=A_LANE | change)

    assert [(error["path"], error["code"]) for error in answer.refusals("createCommunity")] == [(path, code)]
    assert [await count(session, table) for table in (Community, Member, Membership)] == [0, 0, 0]


async def test_applications_and_strangers_do_not_found(
    execute: Execute, session: AsyncSession, founder: Viewer
) -> None:
    key = a_viewer(user_id=founder.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER)

    codes = [(await execute(CREATE, viewer, input=A_LANE)).errors[0]["code"] for viewer in (ANONYMOUS, key)]

    assert codes == ["UNAUTHENTICATED", "FORBIDDEN"]
    assert await count(session, Community) == 0


async def test_unlisted_communities_are_for_their_members(execute: Execute, session: AsyncSession) -> None:
    listed = await a_community(session, name="Listed")
    hidden = await a_community(session, name="Hidden", is_listed=False)
    insider = a_viewer_through(await a_membership(session, hidden))
    outsider = a_viewer_through(await a_membership(session, listed))

    seen = {
        name: names((await execute(LIST, viewer)).data["communities"])
        for name, viewer in {
            "nobody": ANONYMOUS,
            "outsider": outsider,
            "insider": insider,
            "administrator": await an_administrator(session, hidden),
            "platform": an_admin(),
        }.items()
    }

    both = ["Hidden", "Listed"]
    assert seen == {
        "nobody": ["Listed"],
        "outsider": ["Listed"],
        "insider": both,
        "administrator": both,
        "platform": both,
    }


async def test_filters_find_and_count(execute: Execute, session: AsyncSession) -> None:
    area = await a_substation_area(session)
    await a_community(
        session, name="Pini 100%", country="IT", framework_code=FrameworkCode.IT_CER, substation_area_id=area.id
    )
    await a_community(session, name="Rue des Pins")

    found = [
        names((await execute(LIST, filter=given)).data["communities"])
        for given in (
            {"name": "pin"},
            {"name": "0%"},
            {"framework": "IT_CER", "country": "IT", "status": "ACTIVE", "kind": "LANE"},
            {"substationAreaId": f"SubstationArea:{area.id}"},
            {"country": "AT"},
        )
    ]

    assert found == [["Pini 100%", "Rue des Pins"], ["Pini 100%"], ["Pini 100%"], ["Pini 100%"], []]


@pytest.mark.parametrize("given", [{"name": "\u0000"}, {"name": "x" * 201}, {"substationAreaId": "Community:1"}])
async def test_filters_that_make_no_sense_are_refused(execute: Execute, given: Any) -> None:
    answer = await execute(LIST, filter=given)

    assert [error["code"] for error in answer.errors] == ["BAD_USER_INPUT"]


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


async def test_roles_of_a_membership_are_kept_as_given(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community, roles=(CommunityRole.ADMIN,))

    answer = await execute(
        "query ($id: ID!) { node(id: $id) { ... on Membership { roles member { name } community { name } } } }",
        a_viewer_through(membership),
        id=f"Membership:{membership.id}",
    )

    assert answer.data["node"] == {
        "roles": ["ADMIN"],
        "member": {"name": "Ada"},
        "community": {"name": "Rue des Pins"},
    }
