"""Cards of the memberships of the world, also of Hal's that ended; Cyn opted out."""

from datetime import UTC, datetime
from random import Random

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.engagement import cards, preferences
from domain.engagement.tables import MemberCard
from domain.identity.viewers import Viewer
from tests.api.authorization.world import World


async def add_rows(session: AsyncSession, world: World) -> None:
    """Draw them, and name them as their memberships."""
    for community_id in world.rows["Community"].values():
        await cards.draw(session, community_id, Random(1))
    rows = await session.execute(select(MemberCard.id, MemberCard.membership_id))
    for row in rows:
        world.keep("MemberCard", world.name_of("Membership", row.membership_id), row.id)
    cyn = Viewer(user_id=world.rows["User"]["cyn"])
    await preferences.set_preference(session, cyn, is_opted_out=True, now=datetime.now(UTC))
