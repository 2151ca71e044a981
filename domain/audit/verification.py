"""Check the hash chains of the audit log (invariant I6): none was edited, cut, reordered or truncated."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries

GUARDS = "I6 audit"


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Chains that do not hold, with the entry where that shows."""
    async for breach in entries.verify(session):
        yield f"audit chain {breach.chain}, entry {breach.sequence}: {breach.reason}"
