"""Attack a running Commonwatt, one stack with demo data after another, and hold it to what it promises meanwhile.

    bin/attacks [NAME...]

Each attack is a module of this package with a coroutine `attack(site)`, named in ATTACKS. It takes a minute or so,
uses a bounded number of connections, prints what it measured, and says what was not kept. Exit status 1 when anything
was not.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import httpx2

from bin.devstack.installation import STATE
from bin.devstack.ports import any_free
from bin.devstack.stack import Place, Stack
from tests import places
from tests.attacks import files, headers, jobs, log_ins, series, tokens
from tests.attacks.site import Outcome, Site

DIRECTORY = STATE / "attacks"

ATTACKS: dict[str, Callable[[Site], Awaitable[Outcome]]] = {
    "files": files.attack,
    "headers": headers.attack,
    "log-ins": log_ins.attack,
    "series": series.attack,
    "jobs": jobs.attack,
    "tokens": tokens.attack,
}


async def carry_out(name: str) -> Outcome:
    """Attack a stack that nobody has attacked before."""
    directory = places.emptied(DIRECTORY / name)
    os.environ["COMMONWATT_PORT"] = str(any_free())
    stack = Stack(Place(directory, is_kept=True))
    try:
        await stack.start()
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return await ATTACKS[name](Site(stack, http))
    finally:
        await stack.stop()


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="bin/attacks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; all by default")
    names = parser.parse_args().names or list(ATTACKS)
    if unknown := [name for name in names if name not in ATTACKS]:
        parser.error(f"there is no attack {', '.join(unknown)}")
    places.forget_settings()
    is_kept = True
    for name in names:
        outcome = asyncio.run(carry_out(name))
        is_kept = is_kept and not outcome.broken
        lines = [f"{name}: {'BROKEN' if outcome.broken else 'holds'}", *outcome.figures, *outcome.broken]
        sys.stdout.write("\n    ".join(lines) + "\n")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
