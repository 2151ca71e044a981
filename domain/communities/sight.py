"""From a token to a viewer: who it is and through which members and communities it may see.

It stands in this context because memberships do; `identity` knows only the values. Whoever keeps a viewer keeps a
claim: `stands` says in the very statement that reads whether it holds, so that keeping one lets nobody in who ended.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import CommunityRole, Member, Membership
from domain.identity import credentials
from domain.identity.tables import ApiKey, PlatformRole, Session, User, UserRole
from domain.identity.viewers import Claim, Viewer, own

USE_NOTED_EVERY = timedelta(minutes=1)

# Gives the first row of a read whose SQL is ready, with values as the driver takes them.
Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Any] | None]]


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A kind of token: its table, the viewer's attribute for its id, and the columns that are named differently."""

    table: Any
    name: str
    user_id: Any
    expires_at: Any

    def live(self) -> ColumnElement[bool]:
        """Whether a token may be used now by a user who may."""
        return and_(self.table.revoked_at.is_(None), self.expires_at > func.now(), User.disabled_at.is_(None))


SESSIONS = _Tokens(Session, "session_id", Session.user_id, Session.access_expires_at)
KEYS = _Tokens(ApiKey, "api_key_id", ApiKey.owner_id, ApiKey.expires_at)


def in_force() -> ColumnElement[bool]:
    """Whether a membership holds today."""
    return and_(
        Membership.valid_from <= func.current_date(),
        or_(Membership.valid_to.is_(None), Membership.valid_to > func.current_date()),
    )


async def viewer_of(connection: AsyncConnection, token: str, *, now: datetime) -> Viewer | None:
    """Whom an access token or API key stands for; None when it is unknown, ended or its user disabled.

    An application never holds its owner's administration: it sees what the owner sees as a member.
    """
    hashed = credentials.token_hash(token)
    if token.startswith(credentials.ACCESS):
        return await _of_session(connection, SESSION_BY_TOKEN, hashed)
    viewer = await _of_key(connection, KEY_BY_TOKEN, hashed)
    return viewer and await _noted(connection, viewer, now)


async def again(connection: AsyncConnection, viewer: Viewer) -> Viewer | None:
    """The same viewer as of now; None when its session or key has ended, or its user was disabled.

    Sensitive streams ask before each event.
    """
    if viewer.api_key_id is not None:
        return await _of_key(connection, KEY_BY_ID, viewer.api_key_id)
    if viewer.session_id is not None:
        return await _of_session(connection, SESSION_BY_ID, viewer.session_id)
    return viewer


async def viewer_for(
    connection: AsyncConnection, user_id: UUID, *, session_id: UUID | None = None, expires_at: datetime | None = None
) -> Viewer:
    """A user as viewer, with roles and memberships that hold today."""
    row = (await connection.execute(USER_BY_ID, {"given": user_id})).one()
    return _seen(row, session_id=session_id, expires_at=expires_at)


def stands(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a viewer's claim holds: the token lives, its user is not disabled, and no role, member or membership
    of the user changed since the viewer was read, nor did the day, by which memberships begin and end.

    For a shape its values are parameters. It looks up two rows by their primary keys, once for a statement.
    """
    if viewer.claim is None:
        return true()
    tokens = SESSIONS if viewer.api_key_id is None else KEYS
    token = select(tokens.table.id).join(User, User.id == tokens.user_id).correlate(None)
    return token.where(
        tokens.table.id == own(viewer, tokens.name, Uuid()),
        tokens.live(),
        User.id == own(viewer, "user_id", Uuid()),
        User.sight_version == own(viewer, "version", BigInteger()),
        func.current_date() == own(viewer, "day", Date()),
    ).exists()


async def still_standing(fetch: Fetch, viewers: Collection[Viewer]) -> frozenset[Claim | None]:
    """Of many viewers' claims those that hold, found in one statement; of who claims nothing, None does."""
    claims = {(viewer.claim, viewer.user_id) for viewer in viewers if viewer.claim is not None}
    if not claims:
        return frozenset({None})
    given = {
        "token_ids": [claim.token_id for claim, _ in claims],
        "versions": [claim.version for claim, _ in claims],
        "days": [claim.day for claim, _ in claims],
        "user_ids": [user_id for _, user_id in claims],
    }
    columns = await fetch(STANDING, [given[name] for name in STANDING_GIVEN])
    assert columns is not None
    return frozenset({None, *map(Claim, *columns)})


async def _of_session(connection: AsyncConnection, query: Select[Any], given: Any) -> Viewer | None:
    row = (await connection.execute(query, {"given": given})).one_or_none()
    return None if row is None else _seen(row)


async def _of_key(connection: AsyncConnection, query: Select[Any], given: Any) -> Viewer | None:
    """A key that may read sees what its owner sees as a member; one that may only post or trade, nothing of it."""
    row = (await connection.execute(query, {"given": given})).one_or_none()
    if row is None:
        return None
    none: frozenset[UUID] = frozenset()
    key = replace(_seen(row), roles=frozenset(), operated_zone_ids=none, administered_ids=none)
    return key if key.may_read else replace(key, member_ids=none, community_ids=none)


async def _noted(connection: AsyncConnection, key: Viewer, now: datetime) -> Viewer:
    """Note when a key is used, to the minute: not every request is worth a write.

    Where nothing can be written (a standby, a full disk) it is not noted, and the key is let in all the same.
    """
    if key.noted_at is not None and now - key.noted_at < USE_NOTED_EVERY:
        return key
    with suppress(DBAPIError):
        await connection.execute(update(ApiKey).where(ApiKey.id == key.api_key_id).values(last_used_at=now))
    return replace(key, noted_at=now)


def _seen(row: Row[Any], **more: Any) -> Viewer:
    facts: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value for name, value in row._mapping.items()
    }
    facts["roles"] = frozenset(map(PlatformRole, facts["roles"]))
    return Viewer(**facts, **more)


def _person() -> Select[Any]:
    """What a viewer is through a user, under the names of its attributes, in one statement: all of one moment."""
    roles = select(UserRole.role).where(UserRole.user_id == User.id)
    zones = select(UserRole.zone_id).where(UserRole.user_id == User.id, UserRole.zone_id.is_not(None))
    members = select(Member.id).where(Member.user_id == User.id)
    communities = (
        select(Membership.community_id)
        .join(Member, Member.id == Membership.member_id)
        .where(Member.user_id == User.id, in_force())
    )
    administered = communities.where(Membership.roles.contains([CommunityRole.ADMIN.value]))
    return select(
        User.id.label("user_id"),
        User.sight_version.label("version"),
        func.current_date().label("day"),
        _array(roles, Text()).label("roles"),
        _array(zones, Uuid()).label("operated_zone_ids"),
        _array(members, Uuid()).label("member_ids"),
        _array(communities, Uuid()).label("community_ids"),
        _array(administered, Uuid()).label("administered_ids"),
    )


def _array(query: Select[Any], type_: Any) -> ColumnElement[Any]:
    """`ARRAY(SELECT ...)` over the user's rows."""
    return func.array(query.correlate(User).scalar_subquery(), type_=ARRAY(type_))


def _sessions(column: Any) -> Select[Any]:
    """Living sessions by a column, with their users."""
    person = _person().add_columns(Session.id.label("session_id"), Session.access_expires_at.label("expires_at"))
    return person.join(Session, Session.user_id == User.id).where(column == bindparam("given"), SESSIONS.live())


def _keys(column: Any) -> Select[Any]:
    """Living keys by a column, with their owners."""
    person = _person().add_columns(
        ApiKey.id.label("api_key_id"),
        ApiKey.kind.label("api_key_kind"),
        ApiKey.scopes,
        ApiKey.expires_at,
        ApiKey.last_used_at.label("noted_at"),
    )
    return person.join(ApiKey, ApiKey.owner_id == User.id).where(column == bindparam("given"), KEYS.live())


def _standing() -> CompoundSelect[Any]:
    """Claims out of equally long arrays of their parts that hold."""
    given = func.unnest(
        bindparam("token_ids", type_=ARRAY(Uuid())),
        bindparam("versions", type_=ARRAY(BigInteger())),
        bindparam("days", type_=ARRAY(Date())),
        bindparam("user_ids", type_=ARRAY(Uuid())),
    )
    claim = given.table_valued("token_id", "version", "day", "user_id").render_derived("claim").c
    return union_all(
        *(
            select(claim.token_id, claim.version, claim.day)
            .join(tokens.table, tokens.table.id == claim.token_id)
            .join(User, and_(User.id == tokens.user_id, User.id == claim.user_id))
            .where(tokens.live(), User.sight_version == claim.version, func.current_date() == claim.day)
            for tokens in (SESSIONS, KEYS)
        )
    )


# Made once: to build such a statement takes longer than to run it.
SESSION_BY_TOKEN, SESSION_BY_ID = _sessions(Session.access_hash), _sessions(Session.id)
KEY_BY_TOKEN, KEY_BY_ID = _keys(ApiKey.key_hash), _keys(ApiKey.id)
USER_BY_ID = _person().where(User.id == bindparam("given"))
_COMPILED: Any = _standing().compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
STANDING_GIVEN: Sequence[str] = _COMPILED.positiontup
# One row with an array for each column: asked before every event, so it does without SQLAlchemy.
STANDING = f"""
SELECT coalesce(array_agg(token_id), '{{}}'), coalesce(array_agg(version), '{{}}'), coalesce(array_agg(day), '{{}}')
FROM ({_COMPILED.string}) AS held"""  # noqa: S608 - written by us.
