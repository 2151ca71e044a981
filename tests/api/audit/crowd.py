"""Verifications."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import Verification
from tests.api.crowd import MANY, START, Crowd, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty."""
    found = {"started_at": START, "finished_at": START, "checks": ["x"], "breaches_count": 0, "breaches": []}
    await stored(session, [Verification(**found) for _ in range(MANY)])
