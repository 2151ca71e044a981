"""Users, keys and viewers for tests."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

import domain.kernel.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.communities import sight
from domain.identity import tables
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id

HASH = "no password opens this account"


async def a_user(session: AsyncSession, **overrides: Any) -> tables.User:
    """A stored user whose address no other has."""
    facts = {"email": f"{new_id()}@example.org", "name": "Ada", "password_hash": HASH} | overrides
    user = tables.User(**facts)
    session.add(user)
    await session.flush()
    return user


def a_viewer(**overrides: Any) -> Viewer:
    """Somebody signed in, for whom no account is stored."""
    return Viewer(**({"user_id": new_id()} | overrides))


def an_admin() -> Viewer:
    """A signed-in administrator of the platform."""
    return a_viewer(roles=frozenset({tables.PlatformRole.ADMIN}))


async def viewer_of(session: AsyncSession, user: tables.User) -> Viewer:
    """A user as a signed-in viewer, with what they may see now."""
    return await sight.viewer_for(await session.connection(), user.id)
