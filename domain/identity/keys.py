"""Keys of applications: scoped, with an end, stored hashed."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity import credentials
from domain.identity.tables import ApiKey, ApiKeyKind, User
from domain.kernel.database import clock
from domain.kernel.errors import DomainError, InvalidValue, NotFound

READ, TRADE, POST_READINGS = "read", "trade", "readings:write"
SCOPES = {ApiKeyKind.PARTNER: {READ, TRADE}, ApiKeyKind.METER: {POST_READINGS}}
LIFETIME_MAX = timedelta(days=366)
KEYS_MAX = 50  # Of one user, unless the caller says otherwise.


class TooManyApiKeys(DomainError):
    """The user has as many keys as one may have."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"You have {maximum} keys, which is as many as one may have. End one first.")
        self.maximum = maximum


async def create_key(
    session: AsyncSession,
    owner_id: UUID,
    kind: ApiKeyKind,
    name: str,
    scopes: frozenset[str],
    expires_at: datetime,
    most: int = KEYS_MAX,
) -> tuple[UUID, str]:
    """A new key and its text, which is shown once. Raises InvalidValue, TooManyApiKeys."""
    if not 1 <= len(name.strip()) <= 120 or not name.strip().isprintable():
        raise InvalidValue(("name",), "A name has 1 to 120 characters, none of them a control character.")
    if not scopes or not scopes <= SCOPES[kind]:
        raise InvalidValue(("scopes",), f"A {kind.value} key takes some of: {', '.join(sorted(SCOPES[kind]))}.")
    now = await clock(session)
    if not now < expires_at <= now + LIFETIME_MAX:
        raise InvalidValue(("expiresAt",), "A key ends within the next 366 days.")
    await _require_room(session, owner_id, most, now)
    text = credentials.new_token(credentials.KEY_PREFIX[kind])
    key = ApiKey(
        owner_id=owner_id,
        kind=kind,
        name=name.strip(),
        prefix=text[:8],
        key_hash=credentials.token_hash(text),
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    facts = {"kind": kind.value, "scopes": key.scopes}
    await entries.record(session, "api_key.create", actor=f"user:{owner_id}", subject=("ApiKey", key.id), facts=facts)
    return key.id, text


async def _require_room(session: AsyncSession, owner_id: UUID, most: int, now: datetime) -> None:
    """Two keys that one user makes wait for each other at the user's row. Raises TooManyApiKeys."""
    await session.execute(select(User.id).where(User.id == owner_id).with_for_update(key_share=True))
    live = (ApiKey.owner_id == owner_id, ApiKey.revoked_at.is_(None), ApiKey.expires_at > now)
    if (await session.execute(select(func.count()).where(*live))).scalar_one() >= most:
        raise TooManyApiKeys(most)


async def revoke_key(session: AsyncSession, key_id: UUID, *, owner_id: UUID) -> None:
    """End a key at once. Raises NotFound for another's key."""
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.owner_id == owner_id).with_for_update()
    key = (await session.scalars(query)).one_or_none()
    if key is None:
        raise NotFound("API key", key_id)
    if key.revoked_at is None:
        key.revoked_at = (await session.execute(select(func.now()))).scalar_one()
        await entries.record(session, "api_key.revoke", actor=f"user:{owner_id}", subject=("ApiKey", key_id))
