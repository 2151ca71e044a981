"""Members with metering points, for tests over GraphQL."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Membership
from domain.identity.viewers import Viewer
from tests.factories.communities import a_community, a_membership, an_administrator


@pytest.fixture
async def membership(session: AsyncSession) -> Membership:
    return await a_membership(session, await a_community(session))


@pytest.fixture
async def administrator(session: AsyncSession, membership: Membership) -> Viewer:
    return await an_administrator(session, await session.get_one(Community, membership.community_id))
