"""Do on one machine what operators have to do, under load, and hold Commonwatt to what it promises meanwhile.

    bin/operate [NAME...]

Each story is a module of this package, named in STORIES; `site` says what it is. Exit status 1 unless all was kept.
"""

import argparse
import asyncio
import os
import sys
import traceback
from collections.abc import Sequence

from bin.devstack.installation import STATE
from tests import places
from tests.operate import (
    clocks,
    connections,
    failover,
    full_disk,
    lesser,
    lost_redis,
    restore,
    rolling_restart,
    upgrade,
)
from tests.operate.site import Row, Story

DIRECTORY = STATE / "operate"
STORIES: dict[str, Story] = {
    "clocks": clocks.run,
    "failover": failover.run,
    "few-connections": connections.run,
    "full-disk": full_disk.run,
    "lesser-user": lesser.run,
    "lost-redis": lost_redis.run,
    "restore": restore.run,
    "rolling-restart": rolling_restart.run,
    "upgrade": upgrade.run,
}
STORY_S_MAX = 600.0
HEAD = f"{'':<52} {'requests':>8} {'sent again':>10} {'lost':>5} {'seconds away':>12}  invariants"


def carry_out(name: str) -> Sequence[Row]:
    """A story in a place where nothing happened before, and with the environment it began with."""
    before = dict(os.environ)
    try:
        story = STORIES[name](places.emptied(DIRECTORY / name))
        return asyncio.run(asyncio.wait_for(story, STORY_S_MAX))
    finally:
        os.environ.clear()
        os.environ.update(before)


def line(row: Row) -> str:
    """A row, and below it what was not kept."""
    verdict = "BROKEN" if row.broken else "hold"
    told = f"{row.what:<52} {row.requests:>8} {row.again:>10} {row.lost:>5} {row.away_s:>12.1f}  {verdict}"
    return "\n    ".join([told, *row.broken])


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="bin/operate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STORIES)}; all by default")
    names = parser.parse_args().names or list(STORIES)
    if unknown := [name for name in names if name not in STORIES]:
        parser.error(f"there is no story {', '.join(unknown)}")
    places.forget_settings()
    rows: list[Row] = []
    for name in names:
        try:
            rows += carry_out(name)
        except Exception as error:  # A story that cannot be told to its end is broken.
            traceback.print_exc()
            rows.append(Row(name, broken=[f"{type(error).__name__}: {error}"]))
    sys.stdout.write("\n".join([HEAD, *map(line, rows), ""]))
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
