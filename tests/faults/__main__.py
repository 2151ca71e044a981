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
import os
import shutil
import sys
from dataclasses import replace

from bin.devstack import migrated
from bin.devstack.commands import Application
from bin.devstack.installation import STATE, require_postgis
from bin.devstack.ports import any_free
from bin.devstack.progress import say
from bin.devstack.stack import Place, Stack
from tests import skewing
from tests.faults import report
from tests.faults.running import Day, Result, play
from tests.skewing import ShiftedClock

DIRECTORY = STATE / "faults"


def prepare() -> None:
    """A place of its own, and the settings of its processes."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir()
    migrated.copy_migrated_cluster(DIRECTORY / "pg", require_postgis())
    given = [name for name in os.environ if name.startswith("COMMONWATT_") or name in ("DATABASE_URL", "REDIS_URL")]
    for name in given:
        del os.environ[name]
    os.environ |= {
        "COMMONWATT_PORT": str(any_free()),
        "COMMONWATT_CLOCK_FILE": str(DIRECTORY / "clock"),
        "COMMONWATT_MAIL_DIRECTORY": str(DIRECTORY / "mail"),
        "COMMONWATT_PAYMENT_DELAY_S": "0.2",
        "COMMONWATT_RATE_CAPACITY": "1000000000",
        "COMMONWATT_RATE_REFILL_PER_S": "1000000",
    }


async def run(seed: int, kills: int, *, has_keys: bool) -> Result:
    """Bring a stack up, play, and bring it down. Raises ProcessFailed when a service does not come back."""
    day = Day(DIRECTORY / "clock")
    clocks, application = _shifted()
    stack = Stack(Place(DIRECTORY, is_kept=True, has_demo=False, application=application))
    jumping = None
    try:
        await stack.start()
        jumping = asyncio.create_task(skewing.jump(clocks, seed)) if clocks else None
        supervising = asyncio.create_task(stack.watch())
        playing = asyncio.create_task(play(stack, day, seed, kills, has_keys=has_keys))
        await asyncio.wait((supervising, playing), return_when=asyncio.FIRST_COMPLETED)
        (supervising if playing.done() else playing).cancel()
        if not playing.done():
            supervising.result()
        return await playing
    finally:
        if jumping is not None:
            jumping.cancel()
        await stack.stop()


def _shifted() -> tuple[dict[str, ShiftedClock], Application]:
    """Clocks of the processes, and how these are started by them; none without a C compiler."""
    plain = Application()
    if not skewing.has_compiler():
        say("no C compiler (cc): clocks do not jump")
        return {}, plain
    library = skewing.compiled(DIRECTORY)
    clocks = {name: ShiftedClock(library, DIRECTORY / f"shift-{name}") for name in ("api", "worker", "relay")}
    started = {name: clock.started(getattr(plain, name)) for name, clock in clocks.items()}
    return clocks, replace(plain, **started)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="bin/faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--without-keys", action="store_true", help="forget idempotency keys: the run must fail")
    options = parser.parse_args()
    prepare()
    result = asyncio.run(run(options.seed, options.kills, has_keys=not options.without_keys))
    keys = "forgotten" if options.without_keys else "kept"
    sys.stdout.write(f"Seed {options.seed}, {options.kills} kills, idempotency keys {keys}.\n")
    sys.stdout.write("".join(f"{line}\n" for line in report.lines(result)))
    return 0 if report.has_passed(result) else 1


if __name__ == "__main__":
    sys.exit(main())
