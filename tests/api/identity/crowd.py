"""Users, and keys of the first of them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import ApiKey, ApiKeyKind, Session, User
from tests.api.crowd import MANY, Crowd, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty of each."""
    users = await stored(session, [User(email=f"{i}@example.org", name="x", password_hash="x") for i in range(MANY)])
    facts = {"kind": ApiKeyKind.PARTNER, "name": "x", "prefix": "cwp_", "scopes": ["read"]}
    ends = datetime.now(UTC) + timedelta(days=1)
    keys = [ApiKey(owner_id=users[0].id, key_hash=bytes([i]) * 32, expires_at=ends, **facts) for i in range(MANY)]
    await stored(session, keys)
    tokens = [
        Session(user_id=users[0].id, family_id=users[i].id, access_hash=bytes([i, 1]), refresh_hash=bytes([i, 2]))
        for i in range(MANY)
    ]
    for each in tokens:
        each.access_expires_at = each.refresh_expires_at = ends
    await stored(session, tokens)
