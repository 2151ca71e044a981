"""Members come, are seen by few, and leave."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import members
from domain.communities.tables import CommunityRole, Member, Membership
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api.conftest import Execute
from tests.factories.communities import (
    FOUNDED,
    a_community,
    a_member,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
)
from tests.factories.identity import a_user, a_viewer, an_admin

ADD = """
mutation ($input: AddMemberInput!) {
  addMember(input: $input) {
    member { name legalForm }
    membership { kind roles validFrom validTo }
    errors { __typename code path ... on Overlap { validFrom validTo } }
  }
}
"""
END = """
mutation ($input: EndMembershipInput!) {
  endMembership(input: $input) {
    membership { validTo participations { edges { node { validTo } } } }
    errors { __typename code path }
  }
}
"""
SEEN = """
query ($id: ID!) {
  node(id: $id) { ... on Community {
    memberCount
    members { totalCount edges { node { name } } }
    memberships { totalCount }
    meteringPoints { totalCount }
    assets { totalCount }
  } }
}
"""
GRACE = {"kind": "CONSUMER", "name": "Grace", "legalForm": "NATURAL_PERSON", "validFrom": "2026-01-01"}


async def test_admits_a_new_member(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    user = await a_user(session)
    given = GRACE | {"communityId": f"Community:{community.id}", "email": user.email.upper(), "roles": ["ADMIN"]}

    answer = await execute(ADD, await an_administrator(session, community), input=given)

    assert answer.data["addMember"] == {
        "member": {"name": "Grace", "legalForm": "NATURAL_PERSON"},
        "membership": {"kind": "CONSUMER", "roles": ["ADMIN"], "validFrom": "2026-01-01", "validTo": None},
        "errors": [],
    }
    assert (await session.execute(select(Member.user_id).where(Member.name == "Grace"))).scalar_one() == user.id


async def test_an_address_without_account_is_answered_alike_and_waits_for_one(
    execute: Execute, session: AsyncSession
) -> None:
    community, disabled = await a_community(session), await a_user(session, disabled_at=datetime.now(UTC))
    viewer = await an_administrator(session, community)
    given = GRACE | {"communityId": f"Community:{community.id}"}
    emails = [(await a_user(session)).email, disabled.email, "New@example.org"]

    answers = [(await execute(ADD, viewer, input=given | {"email": email})).data for email in emails]
    user = await a_user(session, email="new@Example.org")
    await members.take_up(session, user.id, user.email)

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["addMember"]["errors"] == []
    signing_in = await session.scalars(select(Member.awaited_email).where(Member.user_id == user.id))
    assert list(signing_in) == [None]


async def test_who_left_may_return_but_not_twice(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    left = await a_membership(session, community, valid_to=date(2026, 2, 1))
    viewer = await an_administrator(session, community)
    given = {"communityId": f"Community:{community.id}", "kind": "CONSUMER", "memberId": f"Member:{left.member_id}"}

    early = await execute(ADD, viewer, input=given | {"validFrom": "2026-01-31"})
    back = await execute(ADD, viewer, input=given | {"validFrom": "2026-02-01"})
    again = await execute(ADD, viewer, input=given | {"validFrom": "2026-03-01"})

    overlap = {"__typename": "Overlap", "code": "OVERLAP", "path": ["validFrom"]}
    assert early.refusals("addMember") == [overlap | {"validFrom": "2025-01-01", "validTo": "2026-02-01"}]
    assert back.refusals("addMember") == []
    assert again.refusals("addMember") == [overlap | {"validFrom": "2026-02-01", "validTo": None}]
    stored = await session.execute(select(Membership.valid_from).where(Membership.member_id == left.member_id))
    assert sorted(stored.scalars()) == [FOUNDED, date(2026, 2, 1)]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": None}, ["name"], "INVALID_INPUT"),
        ({"legalForm": None}, ["legalForm"], "INVALID_INPUT"),
        ({"name": "\u0007"}, ["name"], "INVALID_INPUT"),
        ({"roles": []}, ["roles"], "INVALID_INPUT"),
        ({"email": "nobody"}, ["email"], "INVALID_INPUT"),
        ({"email": "a\u0000@example.org"}, ["email"], "INVALID_INPUT"),
        ({"memberId": "Member:01890000-0000-7000-8000-000000000000"}, ["memberId"], "INVALID_INPUT"),
        (
            {"memberId": "Member:01890000-0000-7000-8000-000000000000", "name": None, "legalForm": None},
            None,
            "NOT_FOUND",
        ),
    ],
)
async def test_refuses_a_member(
    execute: Execute, session: AsyncSession, change: Any, path: list[str] | None, code: str
) -> None:
    community = await a_community(session)
    viewer = await an_administrator(session, community)

    answer = await execute(ADD, viewer, input=GRACE | {"communityId": f"Community:{community.id}"} | change)

    assert [(error["path"], error["code"]) for error in answer.refusals("addMember")] == [(path, code)]
    assert len((await session.execute(select(Membership.id))).all()) == 1


async def test_a_member_of_another_community_cannot_be_taken(execute: Execute, session: AsyncSession) -> None:
    stranger = await a_membership(session, await a_community(session))
    community = await a_community(session)
    given = {"communityId": f"Community:{community.id}", "kind": "CONSUMER", "memberId": f"Member:{stranger.member_id}"}

    answer = await execute(ADD, await an_administrator(session, community), input=given)

    assert [error["code"] for error in answer.refusals("addMember")] == ["NOT_FOUND"]


async def test_metering_points_leave_with_their_member(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community)
    await a_participation(session, membership)
    await a_participation(session, membership, valid_from=date(2026, 6, 1))
    given = {"membershipId": f"Membership:{membership.id}", "validTo": "2026-02-01"}

    answer = await execute(END, await an_administrator(session, community), input=given)

    assert answer.refusals("endMembership") == []
    ended = answer.data["endMembership"]["membership"]
    assert ended["validTo"] == "2026-02-01"
    ends = sorted(edge["node"]["validTo"] for edge in ended["participations"]["edges"])
    assert ends == ["2026-02-01", "2026-06-01"]


@pytest.mark.parametrize("valid_to", ["2024-12-31", "2025-01-01"])
async def test_a_membership_ends_after_it_began(execute: Execute, session: AsyncSession, valid_to: str) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community)
    given = {"membershipId": f"Membership:{membership.id}", "validTo": valid_to}

    answer = await execute(END, await an_administrator(session, community), input=given)

    assert [error["path"] for error in answer.refusals("endMembership")] == [["validTo"]]


@pytest.mark.parametrize("days", [0, 3])
async def test_who_was_admitted_today_or_for_later_is_removed_today(
    execute: Execute, session: AsyncSession, days: int
) -> None:
    community = await a_community(session)
    today = datetime.now(UTC).date()
    membership = await a_membership(session, community, valid_from=today + timedelta(days=days))
    await a_participation(session, membership)
    given = {"membershipId": f"Membership:{membership.id}", "validTo": today.isoformat()}

    answer = await execute(END, await an_administrator(session, community), input=given)

    assert answer.errors == []
    kept = await session.get_one(Membership, membership.id, populate_existing=True)
    assert kept.valid_to == kept.valid_from


async def test_an_end_is_not_put_off(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community, valid_to=date(2026, 1, 1))
    given = {"membershipId": f"Membership:{membership.id}", "validTo": "2026-02-01"}

    answer = await execute(END, await an_administrator(session, community), input=given)

    assert [error["path"] for error in answer.refusals("endMembership")] == [["validTo"]]
    assert (await session.get_one(Membership, membership.id)).valid_to == date(2026, 1, 1)


async def test_the_last_administrator_stays(execute: Execute, session: AsyncSession) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community, roles=(CommunityRole.ADMIN,))
    viewer = a_viewer_through(membership)
    tomorrow = (date.today() + timedelta(days=1)).isoformat()  # noqa: DTZ011
    given = {"membershipId": f"Membership:{membership.id}", "validTo": tomorrow}

    alone = await execute(END, viewer, input=given)
    await an_administrator(session, community)
    relieved = await execute(END, viewer, input=given)

    assert [error["__typename"] for error in alone.refusals("endMembership")] == ["LastAdministrator"]
    assert relieved.refusals("endMembership") == []


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("nobody", "UNAUTHENTICATED"),
        ("stranger", "NOT_FOUND"),
        ("other member", "NOT_FOUND"),
        ("the member", None),
        ("administrator", None),
        ("platform administrator", None),
    ],
)
async def test_who_may_end_a_membership(execute: Execute, session: AsyncSession, who: str, refusal: str | None) -> None:
    community = await a_community(session)
    membership = await a_membership(session, community)
    viewer = await someone(session, who, membership)
    given = {"membershipId": f"Membership:{membership.id}", "validTo": "2026-02-01"}

    answer = await execute(END, viewer, input=given)

    refused = [error["code"] for error in answer.errors] or [
        error["code"] for error in answer.data["endMembership"]["errors"]
    ]
    assert refused == ([refusal] if refusal else [])
    stored = (await session.execute(select(Membership.valid_to).where(Membership.id == membership.id))).scalar_one()
    assert stored == (None if refusal else date(2026, 2, 1))


async def someone(session: AsyncSession, who: str, membership: Membership) -> Viewer:
    """A viewer in some relation to a membership."""
    through = {
        "nobody": lambda: ANONYMOUS,
        "stranger": a_viewer,
        "the member": lambda: a_viewer_through(membership),
        "platform administrator": an_admin,
    }
    if who in through:
        return through[who]()
    roles = (CommunityRole.ADMIN,) if who == "administrator" else (CommunityRole.MEMBER,)
    other = Membership(
        community_id=membership.community_id,
        member_id=(await a_member(session)).id,
        roles=[role.value for role in roles],
        kind=membership.kind,
        valid_from=FOUNDED,
    )
    session.add(other)
    await session.flush()
    return a_viewer_through(other)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("nobody", (0, 0, 0)),
        ("stranger", (0, 0, 0)),
        ("the member", (1, 1, 1)),
        ("administrator", (3, 3, 2)),
        ("platform administrator", (3, 3, 2)),
    ],
)
async def test_everybody_knows_how_many_but_not_who(
    execute: Execute, session: AsyncSession, who: str, seen: tuple[int, int, int]
) -> None:
    community = await a_community(session)
    administrator = await a_membership(session, community, roles=(CommunityRole.ADMIN,))
    membership, other = await a_membership(session, community), await a_membership(session, community)
    for each in (membership, other):
        await a_participation(session, each)
    viewer = a_viewer_through(administrator) if who == "administrator" else await someone(session, who, membership)

    answer = await execute(SEEN, viewer, id=f"Community:{community.id}")

    shown = answer.data["node"]
    assert shown["memberCount"] == 3
    counts = tuple(shown[name]["totalCount"] for name in ("members", "memberships", "meteringPoints"))
    assert counts == seen
    assert len(shown["members"]["edges"]) == seen[0]


async def test_a_viewer_lists_its_own_memberships(execute: Execute, session: AsyncSession) -> None:
    membership = await a_membership(session, await a_community(session))
    await a_membership(session, await a_community(session))

    answer = await execute(
        "{ viewer { memberships { totalCount edges { node { community { name } } } } } }", a_viewer_through(membership)
    )

    assert answer.data["viewer"]["memberships"] == {
        "totalCount": 1,
        "edges": [{"node": {"community": {"name": "Rue des Pins"}}}],
    }


async def test_an_account_is_in_a_community_once(execute: Execute, session: AsyncSession) -> None:
    community, other = await a_community(session), await a_community(session)
    user = await a_user(session, email="once@example.org")
    await a_membership(session, community, await a_member(session, user))
    twin = await a_member(session, user)
    await a_membership(session, other, twin)
    administrator = a_viewer(administered_ids=frozenset({community.id, other.id}))
    base = {"communityId": f"Community:{community.id}", "kind": "CONSUMER", "roles": ["MEMBER"]}
    named = base | {"name": "Once Again", "legalForm": "NATURAL_PERSON"}

    by_email = await execute(ADD, administrator, input=named | {"email": "Once@example.org"})
    by_member = await execute(ADD, administrator, input=base | {"memberId": f"Member:{twin.id}"})
    waiting = await execute(ADD, administrator, input=named | {"email": "new@example.org"})
    twice = await execute(ADD, administrator, input=named | {"email": "NEW@example.org"})

    assert waiting.refusals("addMember") == []
    refused = [answer.refusals("addMember")[0] for answer in (by_email, by_member, twice)]
    assert [(each["code"], each["path"]) for each in refused] == [
        ("OVERLAP", ["email"]),
        ("OVERLAP", ["memberId"]),
        ("OVERLAP", ["email"]),
    ]
