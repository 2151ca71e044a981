"""Cards: of all memberships, so fifty of the first community and fifty of the first member's."""

from random import Random

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Membership
from domain.engagement import cards
from tests.api.crowd import Crowd


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Draw them all."""
    homes = await session.scalars(select(Membership.community_id).distinct().order_by(Membership.community_id))
    for number, community_id in enumerate(homes.all()):
        await cards.draw(session, community_id, Random(number))
