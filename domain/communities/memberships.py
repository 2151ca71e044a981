"""Memberships begin and end; with a membership end its participations."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import communities, members, visibility
from domain.communities.tables import CommunityRole, Membership, Participation
from domain.identity.viewers import Viewer
from domain.kernel.database import clock
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound


class LastAdministrator(DomainError):
    """Nobody would be left who administers the community."""

    def __init__(self) -> None:
        super().__init__("This is the community's last administrator; name another one first.")


async def add_member(session: AsyncSession, community_id: UUID, new: members.NewMember, *, by: Viewer) -> UUID:
    """Admit a member; returns the membership's id.

    Raises NotFound, NotAllowed, CommunityClosed, InvalidValue, Overlap.
    """
    community = await communities.lock_administered(session, community_id, by=by, act="admit members")
    return await members.admit(session, community.id, new, by=by)


async def end_membership(session: AsyncSession, membership_id: UUID, valid_to: date, *, by: Viewer) -> None:
    """End a membership and its participations with the day before `valid_to`; members may leave by themselves.

    Raises NotFound, NotAllowed, CommunityClosed, InvalidValue, LastAdministrator.
    """
    seen = select(Membership.community_id, Membership.member_id).where(
        Membership.id == membership_id, visibility.memberships(by)
    )
    found = (await session.execute(seen)).one_or_none()
    if found is None:
        raise NotFound("membership", membership_id)
    if by.api_key_id is not None or not (by.may_administer(found.community_id) or found.member_id in by.member_ids):
        raise NotAllowed("end this membership")
    community = await communities.lock(session, found.community_id, by=by)
    membership = await session.get_one(Membership, membership_id, populate_existing=True)
    today = (await clock(session)).date()
    if valid_to <= membership.valid_from:
        if valid_to != today:
            raise InvalidValue(("validTo",), f"The membership began on {membership.valid_from}; it ends after that.")
        valid_to = membership.valid_from  # Removed today, it never was.
    if membership.valid_to is not None and membership.valid_to < valid_to:
        raise InvalidValue(("validTo",), f"The membership ends on {membership.valid_to} already.")
    await _check_administered(session, membership, valid_to)
    membership.valid_to = valid_to
    await _end_participations(session, membership_id, valid_to)
    await session.flush()
    await communities.record(
        session,
        "membership.end",
        community.id,
        by=by,
        subject=("Membership", membership_id),
        facts={"to": valid_to},
    )


async def _check_administered(session: AsyncSession, membership: Membership, valid_to: date) -> None:
    """Someone else administers the community on the day after, without end."""
    if CommunityRole.ADMIN.value not in membership.roles:
        return
    others = select(Membership.id).where(
        Membership.community_id == membership.community_id,
        Membership.id != membership.id,
        Membership.roles.contains([CommunityRole.ADMIN.value]),
        Membership.valid_from <= valid_to,
        Membership.valid_to.is_(None),
    )
    if (await session.execute(others.limit(1))).first() is None:
        raise LastAdministrator


async def _end_participations(session: AsyncSession, membership_id: UUID, valid_to: date) -> None:
    """Participations end with their membership; one that had not begun becomes empty."""
    statement = (
        update(Participation)
        .where(Participation.membership_id == membership_id)
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > valid_to))
        .values(valid_to=func.greatest(Participation.valid_from, valid_to))
    )
    await session.execute(statement.execution_options(synchronize_session=False))
