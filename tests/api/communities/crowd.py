"""Communities: the first one has all members, and the first member is in all of them; so with metering points."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import (
    Asset,
    AssetKind,
    Community,
    CommunityKind,
    Framework,
    FrameworkCode,
    LegalForm,
    Member,
    MemberKind,
    Membership,
    Participation,
)
from domain.geography.tables import SubstationArea
from domain.identity.tables import User
from domain.metering.tables import MeteringPoint
from tests.api.crowd import MANY, Crowd, ids, stored

FOUNDED = date(2025, 1, 1)


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Communities, frameworks, members, what they take part with, and plants of the first point."""
    area_id, *_ = await ids(session, SubstationArea)
    facts = {"framework_code": FrameworkCode.LU_SHARING, "kind": CommunityKind.LANE, "country": "LU"}
    where = {"timezone": "Europe/Luxembourg", "substation_area_id": area_id}
    homes = await stored(session, [Community(name=f"C{i}", **where, **facts) for i in range(MANY)])
    await stored(session, [_a_framework(1900 + i) for i in range(MANY)])
    user_id, *_ = await ids(session, User)
    person = {"name": "x", "legal_form": LegalForm.NATURAL_PERSON, "user_id": user_id}
    members = await stored(session, [Member(**person) for _ in range(MANY)])
    points = await ids(session, MeteringPoint)
    pairs = [(homes[0], member, point) for member, point in zip(members, points[:MANY], strict=True)]
    pairs += [(home, members[0], points[0]) for home in homes[1:]]
    made = [await _takes_part(session, *pair) for pair in pairs]
    await stored(session, [_a_part(made[0], point) for point in points[MANY:]])
    plant = {"name": "x", "kind": AssetKind.PV, "power_w": 1_000}
    await stored(session, [Asset(community_id=homes[0].id, metering_point_id=points[0], **plant) for _ in range(MANY)])


def _a_framework(year: int) -> Framework:
    return Framework(
        code=FrameworkCode.MICROGRID,
        name="x",
        interval_minutes=15,
        allowed_keys=["EQUAL"],
        needs_substation_area=False,
        parameters={},
        source="test",
        valid_from=date(year, 1, 1),
        valid_to=date(year + 1, 1, 1),
    )


async def _takes_part(session: AsyncSession, home: Any, member: Any, point_id: UUID) -> Membership:
    facts = {"roles": ["MEMBER"], "kind": MemberKind.CONSUMER, "valid_from": FOUNDED}
    [membership] = await stored(session, [Membership(community_id=home.id, member_id=member.id, **facts)])
    await stored(session, [_a_part(membership, point_id)])
    return membership


def _a_part(membership: Membership, point_id: UUID) -> Participation:
    return Participation(
        community_id=membership.community_id,
        membership_id=membership.id,
        member_id=membership.member_id,
        metering_point_id=point_id,
        factor_ppm=1_000,
        valid_from=FOUNDED,
    )
