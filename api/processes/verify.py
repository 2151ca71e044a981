"""Recompute the invariants over a database: exits 1 and prints every row that breaks one."""

import sys

from api.resources import database
from api.resources.settings import settings
from domain.kernel.verification import checks


async def main() -> int:
    """The exit status: 1 where anything breaks an invariant."""
    configured = settings()
    connected = database.connect(
        str(configured.database_url),
        role=None,
        pool=2,
        statement_seconds=None,
        pooled=configured.database_pooled,
    )
    found = 0
    try:
        for name, check in checks().items():
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
