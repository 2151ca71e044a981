"""The clocks of API, worker and relay jump by up to an hour, also back: markets clear at their pace all the same."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests import places, skewing
from tests.faults.running import at_once
from tests.operate.site import Row, traded

FOR_S = 20.0
AWAY_S_MAX = 2.0


async def run(directory: Path) -> Sequence[Row]:
    """Let them jump for a while."""
    places.prepare(directory)
    places.with_cluster(directory)
    clocks, application = places.shifted(directory)
    if not clocks:
        return []

    async def jump(_: object) -> None:
        async with at_once(skewing.jump(clocks, seed=1)):
            await asyncio.sleep(FOR_S)

    what = f"clocks of processes wrong by up to an hour, {FOR_S:.0f} s"
    return [await traded(what, directory, jump, away_s_max=AWAY_S_MAX, application=application)]
