"""Operators of zones, for tests."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import domain.kernel.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.identity.tables import PlatformRole
from domain.identity.viewers import Viewer
from tests.factories.identity import a_user


async def an_operator(session: AsyncSession, zone_id: UUID) -> Viewer:
    """A signed-in grid operator of a zone."""
    user = await a_user(session)
    return Viewer(
        user_id=user.id, roles=frozenset({PlatformRole.GRID_OPERATOR}), operated_zone_ids=frozenset({zone_id})
    )
