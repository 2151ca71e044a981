"""Sign in, stay signed in, sign out.

Tokens are opaque. A refresh token works once: using it again revokes every session of its family, because one of the
two users is a thief; within a few seconds it is taken for a lost reply and refused without harm.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity import credentials
from domain.identity.tables import Session, User
from domain.identity.words import PASSWORD_GUESSED
from domain.kernel.database import clock, new_id
from domain.kernel.errors import DomainError, NotFound

ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=30)
GRACE = timedelta(seconds=10)
DEVICE_MAX = 200  # Characters.


class WrongCredentials(DomainError):
    """The address or the password is wrong; which one is not told."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class SessionEnded(DomainError):
    """The refresh token is unknown, used, revoked or expired."""

    def __init__(self) -> None:
        super().__init__("This session has ended. Sign in again.")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps of a session; shown once."""

    user_id: UUID
    access_token: str
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What all sessions of a family have from its log-in."""

    user_id: UUID
    family_id: UUID
    device: str | None
    opened_at: datetime | None


async def stored_password(session: AsyncSession, email: str) -> tuple[UUID, str] | None:
    """The account of an address with its password hash, unless it is disabled, not confirmed, or unknown."""
    if not email.isprintable():  # Among others NUL, which the database does not take.
        return None
    query = select(User.id, User.password_hash).where(
        func.lower(User.email) == email.lower(), User.disabled_at.is_(None), User.is_confirmed
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def password_of(session: AsyncSession, user_id: UUID) -> str | None:
    """The password hash of an account that is not disabled."""
    query = select(User.password_hash).where(User.id == user_id, User.disabled_at.is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def tell_of_guesses(session: AsyncSession, email: str, guesses: int) -> None:
    """Tell the owner of an account, where there is one, of as many wrong passwords or more."""
    account = await stored_password(session, email)
    if account is None:
        return
    facts = {"guesses": guesses}
    await notices.tell(session, [NewNotice(account[0], PASSWORD_GUESSED, facts | {"user_id": account[0]})])
    subject = ("User", account[0])
    await entries.record(session, "session.guessed", actor="anybody", subject=subject, facts=facts)


async def open_session(session: AsyncSession, user_id: UUID, device: str = "") -> Tokens:
    """A new session of a user whose password was checked, on a device that calls itself something."""
    called = "".join(filter(str.isprintable, device[:DEVICE_MAX])) or None
    opened = Opened(user_id, new_id(), called, await clock(session))
    tokens = await _issue(session, opened)
    await entries.record(session, "session.open", actor=f"user:{user_id}", subject=("User", user_id))
    return tokens


async def rotate(session: AsyncSession, refresh_token: str) -> Tokens | None:
    """Exchange a refresh token for new tokens; None when it was used before, and then its family is revoked.

    Commit even after None. Raises SessionEnded for any other token that does not work.
    """
    query = select(Session).where(Session.refresh_hash == credentials.token_hash(refresh_token)).with_for_update()
    used = (await session.scalars(query)).one_or_none()
    now = await clock(session)
    if used is None or used.revoked_at is not None or used.refresh_expires_at <= now:
        raise SessionEnded
    if used.rotated_at is not None:
        if now - used.rotated_at > GRACE:
            await _revoke(session, used.user_id, _family(used))
            return None
        raise SessionEnded
    used.rotated_at = now
    return await _issue(session, Opened(used.user_id, used.family_id, used.device, used.opened_at))


async def close(session: AsyncSession, session_id: UUID, *, everywhere: bool = False) -> None:
    """Sign out: the session and all it was rotated from or into end at once, or those of all devices."""
    found = await session.get_one(Session, session_id)
    await _revoke(session, found.user_id, Session.user_id == found.user_id if everywhere else _family(found))


async def end(session: AsyncSession, session_id: UUID, *, user_id: UUID) -> None:
    """Sign out one of a user's devices, whichever of its tokens is named. Raises NotFound."""
    found = await session.get(Session, session_id)
    if found is None or found.user_id != user_id:
        raise NotFound("session", session_id)
    await _revoke(session, user_id, _family(found))


async def close_others(session: AsyncSession, user_id: UUID, *, but: UUID | None) -> None:
    """Sign out everywhere but in this session; everywhere where there is none."""
    own = true() if but is None else Session.family_id != (await session.get_one(Session, but)).family_id
    await _revoke(session, user_id, and_(Session.user_id == user_id, own))


def _family(member: Session) -> ColumnElement[bool]:
    return Session.family_id == member.family_id


async def _revoke(session: AsyncSession, user_id: UUID, which: ColumnElement[bool]) -> None:
    await session.execute(update(Session).where(which, Session.revoked_at.is_(None)).values(revoked_at=func.now()))
    await entries.record(session, "session.revoke", actor=f"user:{user_id}", subject=("User", user_id))


async def _issue(session: AsyncSession, opened: Opened) -> Tokens:
    access, refresh = credentials.new_token(credentials.ACCESS), credentials.new_token(credentials.REFRESH)
    now = await clock(session)
    session.add(
        Session(
            **asdict(opened),
            access_hash=credentials.token_hash(access),
            refresh_hash=credentials.token_hash(refresh),
            access_expires_at=now + ACCESS_LIFETIME,
            refresh_expires_at=now + REFRESH_LIFETIME,
        )
    )
    await session.flush()
    return Tokens(opened.user_id, access, refresh, now + ACCESS_LIFETIME)
