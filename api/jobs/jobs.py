"""Forget what was promised to be kept for a time only."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from domain.kernel import idempotency


@periodic
async def forget_idempotency_keys(session: AsyncSession) -> None:
    """Forget keys after 30 days; an index tells at once that there are none."""
    await idempotency.forget_old(session)
