"""Keep the counts of how work ended short."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from domain.events import ends


@periodic
async def add_up_ends(session: AsyncSession) -> None:
    """Put the rows of a count together once there are many; a count of a few hundred rows tells that there are not."""
    await ends.add_up(session)
