"""Communities, members, memberships, participations and assets for tests."""

from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import tables
from domain.communities.tables import CommunityKind, CommunityRole, FrameworkCode, LegalForm, MemberKind
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.metering.tables import MeteringPoint
from tests.factories.identity import a_viewer
from tests.factories.metering import a_metering_point

Row = TypeVar("Row")
FOUNDED = date(2025, 1, 1)
ADMIN_ROLES = (CommunityRole.ADMIN, CommunityRole.MEMBER)


async def a_community(session: AsyncSession, **overrides: Any) -> tables.Community:
    """A listed sharing group in Luxembourg."""
    facts = {
        "name": "Rue des Pins",
        "framework_code": FrameworkCode.LU_SHARING,
        "kind": CommunityKind.LANE,
        "country": "LU",
        "timezone": "Europe/Luxembourg",
        "is_listed": True,
    } | overrides
    return await _stored(session, tables.Community(**facts))


async def a_member(session: AsyncSession, user: User | None = None, **overrides: Any) -> tables.Member:
    """A natural person; nobody signs in for it unless a user is given."""
    facts = {"name": "Ada", "legal_form": LegalForm.NATURAL_PERSON, "user_id": user.id if user else None} | overrides
    return await _stored(session, tables.Member(**facts))


async def a_membership(
    session: AsyncSession, community: tables.Community, member: tables.Member | None = None, **overrides: Any
) -> tables.Membership:
    """A membership since the community was founded, of a new member unless one is given."""
    member = member or await a_member(session)
    facts: dict[str, Any] = {"roles": (CommunityRole.MEMBER,), "kind": MemberKind.CONSUMER, "valid_from": FOUNDED}
    facts |= overrides
    facts["roles"] = [role.value for role in facts["roles"]]
    return await _stored(session, tables.Membership(community_id=community.id, member_id=member.id, **facts))


async def a_participation(
    session: AsyncSession, membership: tables.Membership, point: MeteringPoint | None = None, **overrides: Any
) -> tables.Participation:
    """The whole of a metering point, a new one unless one is given, for as long as the membership."""
    point = point or await a_metering_point(session)
    facts = {
        "community_id": membership.community_id,
        "membership_id": membership.id,
        "member_id": membership.member_id,
        "metering_point_id": point.id,
        "factor_ppm": 1_000_000,
        "valid_from": membership.valid_from,
        "valid_to": membership.valid_to,
    } | overrides
    return await _stored(session, tables.Participation(**facts))


async def an_asset(session: AsyncSession, participation: tables.Participation, **overrides: Any) -> tables.Asset:
    """A rooftop plant of 5 kW behind a participating metering point."""
    facts = {
        "community_id": participation.community_id,
        "metering_point_id": participation.metering_point_id,
        "name": "Roof",
        "kind": tables.AssetKind.PV,
        "power_w": 5_000,
    } | overrides
    return await _stored(session, tables.Asset(**facts))


async def own_plant(session: AsyncSession, user_id: UUID, kind: tables.AssetKind = tables.AssetKind.PV) -> None:
    """See that a user has a plant of a kind, behind a point it takes part with; one of its own unless it has some."""
    taking_part = select(tables.Participation).join(tables.Member, tables.Member.id == tables.Participation.member_id)
    behind = tables.Asset.metering_point_id == tables.Participation.metering_point_id
    owned = taking_part.where(tables.Member.user_id == user_id).order_by(tables.Participation.id)
    if (await session.scalars(owned.join(tables.Asset, behind).where(tables.Asset.kind == kind))).first():
        return
    participation = (await session.scalars(owned)).first()
    if participation is None:
        membership = await a_membership(session, await a_community(session), await a_member(session, user_id=user_id))
        participation = await a_participation(session, membership)
    capacity = 10_000_000 if kind is tables.AssetKind.STORAGE else None
    await an_asset(session, participation, kind=kind, capacity_ukwh=capacity)


def a_viewer_through(membership: tables.Membership) -> Viewer:
    """Who signs in for the member of a membership."""
    administers = CommunityRole.ADMIN.value in membership.roles
    return a_viewer(
        member_ids=frozenset({membership.member_id}),
        community_ids=frozenset({membership.community_id}),
        administered_ids=frozenset({membership.community_id} if administers else ()),
    )


async def an_administrator(session: AsyncSession, community: tables.Community) -> Viewer:
    """A signed-in administrator of a community."""
    return a_viewer_through(await a_membership(session, community, roles=ADMIN_ROLES))


async def _stored(session: AsyncSession, row: Row) -> Row:
    session.add(row)
    await session.flush()
    return row
