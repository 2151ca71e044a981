"""Recompute the invariants over a database: exits 1 and prints rows that break one, the first of each and how many."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from api.processes import commands
from domain.kernel.verification import checks

SHOWN_MAX = 20
EXITS = "Exit status: 0 when all hold, 1 when anything breaks one, 2 when that cannot be found out."


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="verify", description=(__doc__ or "").partition(":")[0] + ".", epilog=EXITS)
    parser.add_argument("--all", action="store_true", help=f"print every row, not {SHOWN_MAX} of each invariant")
    return asyncio.run(verify(None if parser.parse_args().all else SHOWN_MAX))


async def verify(shown_max: int | None) -> int:
    """Print what breaks an invariant, and say of each whether it holds."""
    is_whole = True
    async with commands.connected(role=None) as database:
        for name, check in checks().items():
            async with database.sessions() as session:
                count = await _tell(name, check(session), shown_max)
            is_whole = is_whole and not count
    return 0 if is_whole else 1


async def _tell(name: str, breaches: AsyncIterator[str], shown_max: int | None) -> int:
    count = 0
    async for breach in breaches:
        count += 1
        if shown_max is None or count <= shown_max:
            sys.stdout.write(f"BREACH {name}: {breach}\n")
    if shown_max is not None and count > shown_max:
        sys.stdout.write(f"BREACH {name}: and {count - shown_max} more\n")
    sys.stdout.write(f"{name}: {'holds' if count == 0 else f'{count} breaches'}\n")
    sys.stdout.flush()
    return count
