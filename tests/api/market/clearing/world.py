"""The north is cleared, by a job that belongs to nobody: Bob buys from Gus."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.jobs.tables import Job, JobStatus
from domain.market.clearing.tables import Trade
from domain.market.clearing.words import CLEAR_MARKET
from tests.api.authorization.world import World
from tests.domain.market.clearing.batches import clear


async def add_rows(session: AsyncSession, world: World) -> None:
    """One trade, and the job."""
    market_id = world.rows["Market"]["north"]
    assert await clear(session, market_id)
    made = await session.scalars(select(Trade.id).where(Trade.market_id == market_id))
    world.keep("Trade", "gus to bob", made.one())
    job = Job(kind=CLEAR_MARKET, key="nobody's", arguments={}, status=JobStatus.SUCCEEDED)
    await world.store(session, "Job", "nobody's", job)
