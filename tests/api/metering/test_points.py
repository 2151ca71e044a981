"""Metering points over GraphQL: how they take part, who sees them, what they measured."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.communities.tables import FrameworkCode, Membership, Participation
from domain.events.tables import Notice
from domain.identity import users
from domain.identity.tables import PlatformRole
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.metering.tables import CodeKind, MeteringPoint
from tests.api.conftest import Execute
from tests.factories.communities import a_community, a_membership, a_participation, a_viewer_through, an_administrator
from tests.factories.geography import MODENA, a_square, a_substation_area
from tests.factories.identity import a_user, a_viewer, an_admin
from tests.factories.metering import a_metering_point

REGISTER = """
mutation ($input: RegisterMeteringPointInput!) {
  registerMeteringPoint(input: $input) {
    meteringPoint { code codeKind directions timezone location substationArea { code } }
    participation { factor validFrom validTo membership { member { name } } }
    errors {
      __typename code path
      ... on OutsideArea { areaCode foundCode } ... on ShareExceeded { available } ... on Overlap { validFrom }
    }
  }
}
"""
LON, LAT = MODENA
INSIDE = {"type": "Point", "coordinates": [LON + 0.05, LAT + 0.05]}
OUTSIDE = {"type": "Point", "coordinates": [LON + 0.55, LAT + 0.05]}


def given(membership: Membership, **overrides: Any) -> dict[str, Any]:
    return {
        "communityId": f"Community:{membership.community_id}",
        "membershipId": f"Membership:{membership.id}",
        "code": "HOME-1",
        "codeKind": "GENERIC",
        "directions": ["WITHDRAWN"],
    } | overrides


async def participations(session: AsyncSession) -> int:
    return len((await session.execute(select(Participation.id))).all())


async def test_registers_a_point(
    execute: Execute, session: AsyncSession, membership: Membership, administrator: Viewer
) -> None:
    area = await a_substation_area(session, boundary=a_square(6.0, 49.0), country="LU", code="LU-1")
    location = {"type": "Point", "coordinates": [6.05, 49.05]}
    wanted = given(membership, location=location, participationFactor="0.4", validFrom="2026-01-01")

    answer = await execute(REGISTER, administrator, input=wanted)

    assert answer.data["registerMeteringPoint"] == {
        "meteringPoint": {
            "code": "HOME-1",
            "codeKind": "GENERIC",
            "directions": ["WITHDRAWN"],
            "timezone": "Europe/Luxembourg",
            "location": location,
            "substationArea": {"code": area.code},
        },
        "participation": {
            "factor": "0.4",
            "validFrom": "2026-01-01",
            "validTo": None,
            "membership": {"member": {"name": "Ada"}},
        },
        "errors": [],
    }
    acts = await session.scalars(select(AuditEntry.act).where(AuditEntry.chain == str(membership.community_id)))
    assert list(acts) == ["metering_point.register"]


async def test_a_point_may_share_itself_among_communities_but_not_more(
    execute: Execute, session: AsyncSession, membership: Membership, administrator: Viewer
) -> None:
    other = await a_membership(session, await a_community(session))
    both = a_viewer(administered_ids=frozenset({membership.community_id, other.community_id}))
    await execute(REGISTER, administrator, input=given(membership, participationFactor="0.7"))

    too_much = await execute(REGISTER, both, input=given(other, participationFactor="0.300001"))
    rest = await execute(REGISTER, both, input=given(other, participationFactor="0.3"))

    assert too_much.refusals("registerMeteringPoint") == [
        {"__typename": "ShareExceeded", "code": "SHARE_EXCEEDED", "path": ["participationFactor"], "available": "0.3"}
    ]
    assert rest.refusals("registerMeteringPoint") == []
    assert await participations(session) == 2


async def test_the_whole_is_free_again_after_a_point_has_left(
    execute: Execute, session: AsyncSession, membership: Membership, administrator: Viewer
) -> None:
    point = await a_metering_point(session, code="HOME-1")
    await a_participation(session, membership, point, valid_to=date(2026, 2, 1))

    early = await execute(REGISTER, administrator, input=given(membership, validFrom="2026-01-31"))
    later = await execute(REGISTER, administrator, input=given(membership, validFrom="2026-02-01"))

    assert early.refusals("registerMeteringPoint") == [
        {"__typename": "Overlap", "code": "OVERLAP", "path": ["validFrom"], "validFrom": "2025-01-01"}
    ]
    assert later.refusals("registerMeteringPoint") == []


async def test_a_code_of_somebody_else_is_answered_as_one_of_nobody(
    execute: Execute, session: AsyncSession, membership: Membership, administrator: Viewer
) -> None:
    await a_metering_point(session, code="IT001E12345678", code_kind=CodeKind.IT_POD)
    admin = await a_user(session)
    await users.grant_role(session, admin.id, PlatformRole.ADMIN, actor="test")
    taken, free = [given(membership, code=code, codeKind="IT_POD") for code in ("it001e12345678 9", "IT001E12345679")]

    answers = [(await execute(REGISTER, administrator, input=each)).data for each in (taken, free)]
    again = await execute(REGISTER, administrator, input=taken)

    points = [answer["registerMeteringPoint"]["meteringPoint"] for answer in answers]
    assert [point.pop("code") for point in points] == ["IT001E12345678", "IT001E12345679"]
    assert answers[0] == answers[1]
    assert [error["code"] for error in again.refusals("registerMeteringPoint")] == ["OVERLAP"]  # One's own is told.
    assert await participations(session) == 2
    told = (await session.execute(select(Notice.user_id, Notice.kind))).all()
    assert told == [(admin.id, "CODE_CONTESTED")]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"code": "x"}, ["code"], "INVALID_INPUT"),
        ({"code": "HOME-1", "codeKind": "LU_POD"}, ["code"], "INVALID_INPUT"),
        ({"directions": []}, ["directions"], "INVALID_INPUT"),
        ({"timezone": "Europe/Rome"}, ["timezone"], "INVALID_INPUT"),
        ({"participationFactor": "0"}, ["participationFactor"], "INVALID_INPUT"),
        ({"participationFactor": "-0.5"}, ["participationFactor"], "INVALID_INPUT"),
        ({"participationFactor": "1.000001"}, ["participationFactor"], "INVALID_INPUT"),
        ({"validFrom": "2024-12-31"}, ["validFrom"], "INVALID_INPUT"),
        ({"location": {"type": "Point", "coordinates": [49.0, 6.0]}}, None, "GEOMETRY_INVALID"),
        ({"location": {"type": "Point", "coordinates": []}}, None, "GEOMETRY_INVALID"),
        ({"membershipId": f"Membership:{new_id()}"}, None, "NOT_FOUND"),
    ],
)
async def test_refuses_to_register(
    execute: Execute,
    session: AsyncSession,
    membership: Membership,
    administrator: Viewer,
    change: Any,
    path: list[str] | None,
    code: str,
) -> None:
    answer = await execute(REGISTER, administrator, input=given(membership, **change))

    assert [(error["path"], error["code"]) for error in answer.refusals("registerMeteringPoint")] == [(path, code)]
    assert await participations(session) == 0
    assert (await session.execute(select(MeteringPoint.id))).all() == []


@pytest.mark.parametrize(
    ("location", "found"),
    [(INSIDE, "inside"), (OUTSIDE, "AC001E00002"), (None, None)],
    ids=["inside", "outside", "nowhere"],
)
async def test_a_bounded_community_takes_points_of_its_area_only(
    execute: Execute, session: AsyncSession, location: Any, found: str | None
) -> None:
    area = await a_substation_area(session)
    await a_substation_area(session, "AC001E00002", a_square(LON + 0.5))
    cer = await a_community(
        session,
        framework_code=FrameworkCode.IT_CER,
        country="IT",
        timezone="Europe/Rome",
        substation_area_id=area.id,
    )
    membership = await a_membership(session, cer)
    wanted = given(membership, code="IT001E12345678", codeKind="IT_POD", location=location)

    answer = await execute(REGISTER, await an_administrator(session, cer), input=wanted)

    refusal = {"__typename": "OutsideArea", "code": "OUTSIDE_AREA", "path": None, "areaCode": area.code}
    expected = [] if found == "inside" else [refusal | {"foundCode": found}]
    assert answer.refusals("registerMeteringPoint") == expected
    assert await participations(session) == (found == "inside")


async def test_a_framework_limits_in_how_many_communities_a_point_takes_part(
    execute: Execute, session: AsyncSession
) -> None:
    point = await a_metering_point(session, code="HOME-1", timezone="Europe/Vienna")
    eeg = {"framework_code": FrameworkCode.AT_EEG, "country": "AT", "timezone": "Europe/Vienna"}
    memberships = [await a_membership(session, await a_community(session, **eeg)) for _ in range(6)]
    for each in memberships[:5]:
        await a_participation(session, each, point, factor_ppm=100_000)
    viewer = a_viewer(administered_ids=frozenset(each.community_id for each in memberships))

    answer = await execute(REGISTER, viewer, input=given(memberships[5], participationFactor="0.1"))

    assert [error["path"] for error in answer.refusals("registerMeteringPoint")] == [["code"]]
    assert await participations(session) == 5


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("nobody", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN"),
        ("the member", "FORBIDDEN"),
        ("platform administrator", None),
    ],
)
async def test_who_may_register(
    execute: Execute, session: AsyncSession, membership: Membership, who: str, code: str | None
) -> None:
    viewer = {
        "nobody": ANONYMOUS,
        "stranger": a_viewer(),
        "the member": a_viewer_through(membership),
        "platform administrator": an_admin(),
    }[who]

    answer = await execute(REGISTER, viewer, input=given(membership))

    assert [error["code"] for error in answer.errors] == ([code] if code else [])
    assert await participations(session) == (code is None)
