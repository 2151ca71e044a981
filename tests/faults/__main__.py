"""Kill Commonwatt's processes at random while it trades, and check that nothing was lost and nothing happened twice.

    bin/faults [--seed 1] [--kills 40] [--without-keys]

A stack of its own in `.local/faults`, made anew, on a durable PostgreSQL. Clients place, amend and cancel orders and
pay money in over HTTP; whatever is lost they send again with the same key until it is acknowledged. A day of November
passes at a minute a second, so batches clear and deliveries settle meanwhile. Services are killed as the seed says, by
SIGKILL, and brought back by the supervisor of `bin/up`. The clock of some machine (of API, worker or relay) jumps every
three seconds by up to an hour, also back. After the last kill no more is asked for and the clock of the day stands:
all that was begun has to be finished within 15 s of it. Then what clients were told is held against the database, every
acknowledged key is sent once more, and `api.verify` recomputes the invariants. Exit status 1 when anything is wrong.

With `--without-keys` a trigger deletes each idempotency key as soon as it is stored: the run must fail.
"""

import argparse
import asyncio
import sys

from bin.devstack.installation import STATE
from tests import places, skewing
from tests.faults import killing, report
from tests.faults.killing import Killed
from tests.faults.running import Day, Result, at_once, play

DIRECTORY = STATE / "faults"


async def run(seed: int, kills: int, killed: list[Killed], *, has_keys: bool) -> Result:
    """Bring a stack up, play, and bring it down. Raises ProcessFailed when a service does not come back."""
    places.prepare(places.emptied(DIRECTORY))
    places.with_cluster(DIRECTORY)
    day = Day(DIRECTORY / "clock")
    clocks, application = places.shifted(DIRECTORY)
    stack = places.stack_in(DIRECTORY, application)

    async def kill() -> None:
        await killing.carry_out(killing.plan(seed, kills), stack, killed)

    async def played() -> Result:
        async with at_once(*([skewing.jump(clocks, seed)] if clocks else [])):
            return await play(stack, day, seed, kill, has_keys=has_keys)

    return await places.during(stack, played())


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="bin/faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--without-keys", action="store_true", help="forget idempotency keys: the run must fail")
    options = parser.parse_args()
    killed: list[Killed] = []
    result = asyncio.run(run(options.seed, options.kills, killed, has_keys=not options.without_keys))
    keys = "forgotten" if options.without_keys else "kept"
    sys.stdout.write(f"Seed {options.seed}, {options.kills} kills, idempotency keys {keys}.\n")
    sys.stdout.write("".join(f"{line}\n" for line in report.lines(result, killed)))
    return 0 if report.has_passed(result) else 1


if __name__ == "__main__":
    sys.exit(main())
