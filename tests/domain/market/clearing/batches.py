"""Clear what is open, as the job does, in one session."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.market.clearing.bridge import clear_book
from domain.market.clearing import book, clearings
from domain.market.places import markets

_batches = count(int(datetime.now(UTC).timestamp()))


def next_batch() -> int:
    """A batch number that no test has used."""
    return next(_batches)


async def clear(
    session: AsyncSession, market_id: UUID, *, batch: int | None = None, now: datetime | None = None
) -> bool:
    """Read, solve and record one batch; whether it was recorded."""
    now = now or datetime.now(UTC)
    read = await book.read(session, await markets.coupled(session, market_id), now=now)
    number = next_batch() if batch is None else batch
    return await clearings.record(session, read, clear_book(read), batch=number, job_id=None, now=now)
