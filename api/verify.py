"""Recompute the invariants over a database: `python -m api.verify` exits 1 and prints every row that breaks one."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from api import database
from api.settings import settings
from domain.audit import entries
from domain.events import verification as events
from domain.ledger import verification as ledger
from domain.market import verification as market
from domain.metering import verification as metering
from domain.sharing import verification as sharing

Check = Callable[[AsyncSession], AsyncIterator[str]]


async def audit(session: AsyncSession) -> AsyncIterator[str]:
    """I6: no chain was edited, cut, reordered or truncated."""
    async for breach in entries.verify(session):
        yield f"audit chain {breach.chain}, entry {breach.sequence}: {breach.reason}"


# What each check guards.
CHECKS: dict[str, Check] = {
    "I1 energy, readings": metering.breaches,
    "I1 energy, I4 repeatability, sharing": sharing.breaches,
    "I1 energy, market": market.breaches,
    "I1 energy, I2 money, deliveries": market.delivery_breaches,
    "I2 money": ledger.breaches,
    "I3 history, events": events.breaches,
    "I6 audit": audit,
}


async def main() -> int:
    """The exit status: 1 where anything breaks an invariant."""
    configured = settings()
    connected = database.connect(str(configured.database_url), role=None, pool=2, statement_seconds=None)
    found = 0
    try:
        for name, check in CHECKS.items():
            count = 0
            async with connected.sessions() as session:
                async for row in check(session):
                    count += 1
                    sys.stdout.write(f"BREACH {name}: {row}\n")
            sys.stdout.write(f"{name}: {'holds' if count == 0 else f'{count} breaches'}\n")
            found += count
    finally:
        await connected.close()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
