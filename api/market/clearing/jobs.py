"""Clear markets: ask when a batch is due, then read, solve, record."""

import logging
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.clearing.bridge import clear_book
from api.resources import clock
from domain.jobs.queue import ALERTING_ATTEMPTS
from domain.market.auctions import auctions
from domain.market.clearing import book, clearings
from domain.market.clearing.words import CLEAR_MARKET
from domain.market.orders import orders
from domain.market.places import markets

READS_MAX = 5
logger = logging.getLogger("commonwatt.clearing")


@periodic
async def schedule_clearings(session: AsyncSession) -> None:
    """Ask for the clearings that are due."""
    await clearings.schedule(session, now=clock.now())


@periodic
async def step_auctions(session: AsyncSession) -> None:
    """Tell of auctions whose clock has stepped, and end those whose time is up."""
    await auctions.advance(session, now=clock.now())


@job(CLEAR_MARKET)
async def clear_market(work: Work) -> None:
    """Close what has begun, then clear what is open; read again when an order that was to be filled changed meanwhile.

    A batch that was recorded before is left as it is. Where linked markets could not be cleared together for some
    attempts, each is cleared alone, so that one that fails does not hold up the others.
    """
    market_ids = [UUID(market_id) for market_id in work.arguments["market_ids"]]
    if work.attempt < ALERTING_ATTEMPTS or len(market_ids) == 1:
        async with work.database.transaction() as session:
            await orders.expire_due(session, market_ids, now=clock.now())
        await _clear(work, market_ids[0])
        return
    failed: list[Exception] = []
    for market_id in market_ids:
        try:
            async with work.database.transaction() as session:
                await orders.expire_due(session, [market_id], now=clock.now())
            await _clear(work, market_id, is_alone=True)
        except Exception as error:
            logger.exception("market %s could not be cleared alone", market_id)
            failed.append(error)
    if failed:
        raise failed[0]
    async with work.recording():
        pass


async def _clear(work: Work, market_id: UUID, *, is_alone: bool = False) -> None:
    for read in range(1, READS_MAX + 1):
        try:
            await _clear_once(work, market_id, is_alone=is_alone)
            return
        except clearings.BookChanged:
            if read == READS_MAX:
                raise


async def _clear_once(work: Work, market_id: UUID, *, is_alone: bool) -> None:
    async with work.database.transaction() as session:
        coupling = await markets.coupled(session, market_id)
        if is_alone:
            (coupling,) = [each for each in coupling.alone() if each.market_ids == (market_id,)]
        now = clock.now()
        read = await book.read(session, coupling, now=now)
    outcome = await work.solve(clear_book, read)
    batch = work.arguments["batch"]
    if is_alone:
        async with work.database.transaction() as session:
            await clearings.record(session, read, outcome, batch=batch, job_id=work.id, now=now)
        return
    async with work.recording() as recording:
        await clearings.record(recording.session, read, outcome, batch=batch, job_id=work.id, now=now)
