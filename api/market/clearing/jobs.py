"""Clear markets: ask when a batch is due, then read, solve, record."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.clearing.bridge import clear_book
from api.resources import clock
from domain.market.auctions import auctions
from domain.market.clearing import book, clearings
from domain.market.clearing.words import CLEAR_MARKET
from domain.market.orders import orders
from domain.market.places import markets

READS_MAX = 5


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

    A batch that was recorded before is left as it is.
    """
    market_ids = [UUID(market_id) for market_id in work.arguments["market_ids"]]
    async with work.database.transaction() as session:
        await orders.expire_due(session, market_ids, now=clock.now())
    for read in range(1, READS_MAX + 1):
        try:
            await _clear_once(work, market_ids[0])
            return
        except clearings.BookChanged:
            if read == READS_MAX:
                raise


async def _clear_once(work: Work, market_id: UUID) -> None:
    async with work.database.transaction() as session:
        coupling = await markets.coupled(session, market_id)
        now = clock.now()
        read = await book.read(session, coupling, now=now)
    outcome = await work.solve(clear_book, read)
    async with work.recording() as recording:
        await clearings.record(recording.session, read, outcome, batch=work.arguments["batch"], job_id=work.id, now=now)
