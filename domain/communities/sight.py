"""From a token to a viewer: who it is and through which members and communities it may see.

It stands in this context because memberships do; `identity` knows only the values.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import CommunityRole, Member, Membership
from domain.identity import credentials
from domain.identity.tables import ApiKey, PlatformRole, Session, User, UserRole
from domain.identity.viewers import Viewer

USE_NOTED_EVERY = timedelta(minutes=1)


def in_force() -> ColumnElement[bool]:
    """Whether a membership holds today."""
    return and_(
        Membership.valid_from <= func.current_date(),
        or_(Membership.valid_to.is_(None), Membership.valid_to > func.current_date()),
    )


async def viewer_of(connection: AsyncConnection, token: str) -> Viewer | None:
    """Whom an access token or API key stands for; None when it is unknown, ended or its user disabled.

    An application never holds its owner's administration: it sees what the owner sees as a member.
    """
    if token.startswith(credentials.ACCESS):
        return await _of_session(connection, credentials.token_hash(token))
    return await _of_key(connection, credentials.token_hash(token))


async def _of_session(connection: AsyncConnection, hashed: bytes) -> Viewer | None:
    query = (
        select(Session.id, Session.user_id, Session.access_expires_at)
        .join(User, User.id == Session.user_id)
        .where(Session.access_hash == hashed, Session.revoked_at.is_(None), User.disabled_at.is_(None))
        .where(Session.access_expires_at > func.now())
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return await viewer_for(connection, row.user_id, session_id=row.id, expires_at=row.access_expires_at)


async def _of_key(connection: AsyncConnection, hashed: bytes) -> Viewer | None:
    query = (
        select(ApiKey.id, ApiKey.owner_id, ApiKey.kind, ApiKey.scopes, ApiKey.expires_at, ApiKey.last_used_at)
        .join(User, User.id == ApiKey.owner_id)
        .where(ApiKey.key_hash == hashed, ApiKey.revoked_at.is_(None), User.disabled_at.is_(None))
        .where(ApiKey.expires_at > func.now())
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    await _note_use(connection, row.id, row.last_used_at)
    key = Viewer(
        user_id=row.owner_id,
        api_key_id=row.id,
        api_key_kind=row.kind,
        scopes=frozenset(row.scopes),
        expires_at=row.expires_at,
    )
    return await _through_owner(connection, key)


async def _note_use(connection: AsyncConnection, key_id: UUID, last_used_at: datetime | None) -> None:
    """Note when a key is used, to the minute: not every request is worth a write."""
    now = datetime.now(UTC)
    if last_used_at is None or now - last_used_at >= USE_NOTED_EVERY:
        await connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


async def _through_owner(connection: AsyncConnection, key: Viewer) -> Viewer:
    """A key that may read sees what its owner sees as a member; one that may only post or trade, nothing of it."""
    assert key.user_id is not None
    if not key.may_read:
        return key
    owner = await viewer_for(connection, key.user_id)
    return replace(key, member_ids=owner.member_ids, community_ids=owner.community_ids)


async def viewer_for(
    connection: AsyncConnection, user_id: UUID, *, session_id: UUID | None = None, expires_at: datetime | None = None
) -> Viewer:
    """A user as viewer, with roles and memberships that hold today."""
    roles = (await connection.execute(select(UserRole.role, UserRole.zone_id).where(UserRole.user_id == user_id))).all()
    memberships = (
        select(Member.id, Membership.community_id, Membership.roles)
        .outerjoin(Membership, and_(Membership.member_id == Member.id, in_force()))
        .where(Member.user_id == user_id)
    )
    rows: Sequence[Any] = (await connection.execute(memberships)).all()
    return Viewer(
        user_id=user_id,
        session_id=session_id,
        roles=frozenset(PlatformRole(role) for role, _ in roles),
        operated_zone_ids=frozenset(zone for _, zone in roles if zone is not None),
        member_ids=frozenset(row[0] for row in rows),
        community_ids=frozenset(row[1] for row in rows if row[1] is not None),
        administered_ids=frozenset(row[1] for row in rows if row[2] and CommunityRole.ADMIN.value in row[2]),
        expires_at=expires_at,
    )


async def again(connection: AsyncConnection, viewer: Viewer) -> Viewer | None:
    """The same viewer as of now; None when its session or key has ended, or its user was disabled.

    Sensitive streams ask before each event.
    """
    if viewer.user_id is None:
        return viewer
    if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
        return None
    table: Any = ApiKey if viewer.api_key_id is not None else Session
    user_id = ApiKey.owner_id if viewer.api_key_id is not None else Session.user_id
    query = (
        select(table.id)
        .join(User, User.id == user_id)
        .where(table.id == (viewer.api_key_id or viewer.session_id))
        .where(table.revoked_at.is_(None), User.disabled_at.is_(None))
    )
    if (await connection.execute(query)).first() is None:
        return None
    if viewer.api_key_id is not None:
        return await _through_owner(connection, viewer)
    return await viewer_for(connection, viewer.user_id, session_id=viewer.session_id, expires_at=viewer.expires_at)
