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
from tests.api.communities.founding import A_LANE, SQUARE
from tests.api.conftest import Execute
from tests.factories.communities import a_community, a_membership, a_viewer_through, an_administrator
from tests.factories.geography import a_substation_area
from tests.factories.identity import a_user, a_viewer, an_admin

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
CROSSING = {"type": "Polygon", "coordinates": [[[6, 49], [7, 50], [7, 49], [6, 50], [6, 49]]]}


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
