"""Admit members to a community.

A member is a legal person of its own; `email` names the account that signs in for it. A person who left and returns
is admitted again by `member_id`, so that its history stays one.

Decision, 2026-11-30: an address without an account is taken as one with an account is, and the member waits for it.
Refusing it would tell any stranger who has an account, as anybody can found a community.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.audit import entries
from domain.communities import visibility
from domain.communities.tables import CommunityRole, LegalForm, Member, MemberKind, Membership
from domain.communities.texts import checked_name
from domain.identity import users
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.database import clock
from domain.kernel.errors import DomainError, InvalidValue, NotFound


class Overlap(DomainError):
    """The same thing is already there for part of the time; `path` names the field that says so."""

    def __init__(
        self, what: str, valid_from: date, valid_to: date | None, path: tuple[str, ...] = ("validFrom",)
    ) -> None:
        until = f"until {valid_to}" if valid_to else "without end"
        super().__init__(f"There is already {what} from {valid_from} {until}.")
        self.valid_from = valid_from
        self.valid_to = valid_to
        self.path = path


@dataclass(frozen=True, slots=True)
class NewMember:
    """Who is admitted and how; `valid_from` None is today. Either `member_id`, or name and legal form."""

    kind: MemberKind
    roles: frozenset[CommunityRole]
    name: str | None = None
    legal_form: LegalForm | None = None
    member_id: UUID | None = None
    email: str | None = None
    user_id: UUID | None = None
    valid_from: date | None = None


async def admit(session: AsyncSession, community_id: UUID, new: NewMember, *, by: Viewer) -> UUID:
    """A new membership; returns its id. The caller has seen to it that `by` may do this and holds the community.

    Raises InvalidValue, NotFound, Overlap.
    """
    if not new.roles:
        raise InvalidValue(("roles",), "A member has at least one role.")
    member_id = await _member(session, new, by)
    valid_from = new.valid_from or (await clock(session)).date()
    await _check_alone(session, community_id, member_id, valid_from, new)
    membership = Membership(
        community_id=community_id,
        member_id=member_id,
        roles=sorted(role.value for role in new.roles),
        kind=new.kind,
        valid_from=valid_from,
    )
    session.add(membership)
    await session.flush()
    facts = {"member": member_id, "roles": membership.roles, "kind": new.kind, "from": valid_from}
    await entries.record(
        session,
        "membership.create",
        actor=by.key,
        subject=("Membership", membership.id),
        scope_id=community_id,
        facts=facts,
    )
    return membership.id


async def _member(session: AsyncSession, new: NewMember, by: Viewer) -> UUID:
    if new.member_id is not None:
        if (new.name, new.legal_form, new.email) != (None, None, None):
            raise InvalidValue(("memberId",), "Give memberId, or name and legalForm of a new member.")
        seen = select(Member.id).where(Member.id == new.member_id, visibility.members(by))
        if await session.scalar(seen) is None:
            raise NotFound("member", new.member_id)
        return new.member_id
    if new.name is None or new.legal_form is None:
        raise InvalidValue(
            ("name",) if new.name is None else ("legalForm",), "A new member has a name and a legal form."
        )
    user_id = new.user_id if new.email is None else await _account(session, new.email)
    member = Member(
        name=checked_name(new.name, "name"),
        legal_form=new.legal_form,
        user_id=user_id,
        awaited_email=new.email if user_id is None else None,
    )
    session.add(member)
    await session.flush()
    return member.id


async def _account(session: AsyncSession, email: str) -> UUID | None:
    users.check_email(email)
    active = User.disabled_at.is_(None), User.is_confirmed
    user_id: UUID | None = await session.scalar(select(User.id).where(func.lower(User.email) == email.lower(), *active))
    return user_id


async def take_up(session: AsyncSession, user_id: UUID, email: str) -> None:
    """Let a new account sign in for the members that wait for one with its address."""
    waiting = update(Member).where(func.lower(Member.awaited_email) == email.lower())
    taken = waiting.values(user_id=user_id, awaited_email=None).returning(Member.id)
    for member_id in await session.scalars(taken):
        await entries.record(session, "member.take_up", actor=f"user:{user_id}", subject=("Member", member_id))


async def _check_alone(
    session: AsyncSession, community_id: UUID, member_id: UUID, valid_from: date, new: NewMember
) -> None:
    """No membership of the member, nor of another one that the same account signs in for, or is to."""
    other = aliased(Member)
    same = or_(
        other.id == Member.id,
        other.user_id == Member.user_id,
        func.lower(other.awaited_email) == func.lower(Member.awaited_email),
    )
    query = (
        select(Membership.valid_from, Membership.valid_to, Membership.member_id)
        .join(other, other.id == Membership.member_id)
        .join(Member, same)
        .where(Membership.community_id == community_id, Member.id == member_id)
        .where(or_(Membership.valid_to.is_(None), Membership.valid_to > valid_from))
        .where(or_(Membership.valid_to.is_(None), Membership.valid_to > Membership.valid_from))
    )
    found = (await session.execute(query.order_by(Membership.id).limit(1))).first()
    if found is None:
        return
    if found.member_id == member_id:
        path = ("validFrom",) if new.valid_from is not None else ("memberId",)
        raise Overlap("a membership of this member", found.valid_from, found.valid_to, path)
    path = ("email",) if new.email is not None else ("memberId",)
    raise Overlap("a membership of this account", found.valid_from, found.valid_to, path)
