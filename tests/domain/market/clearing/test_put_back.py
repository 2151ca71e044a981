"""Batches go on where the clock by which they are numbered was put back."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import among
from domain.market.clearing import clearings
from domain.market.places.tables import Market
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, a_market, a_trader, an_order, now


async def asked(session: AsyncSession, at: datetime) -> list[Job]:
    ids = await clearings.schedule(session, now=at)
    return list(await session.scalars(select(Job).where(among(Job.id, ids))))


async def test_a_market_goes_on_clearing_where_the_clock_was_put_back(session: AsyncSession) -> None:
    """Numbers follow the last one, one batch after the other."""
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY)
    at = now()
    last = int(at.timestamp()) + 600
    await session.execute(update(Market).where(Market.id == market).values(last_batch=last))

    (first,) = await asked(session, at)
    await clear(session, market, batch=last + 1)
    made = update(Job).where(Job.id == first.id)
    await session.execute(made.values(status=JobStatus.SUCCEEDED))
    at_once = await asked(session, at)
    await session.execute(made.values(created_at=at - timedelta(seconds=10)))
    (second,) = await asked(session, at)

    assert (first.arguments["batch"], at_once, second.arguments["batch"]) == (last + 1, [], last + 2)
