"""Redis is lost, with all that was in it: it is a queue and a cache, and what has to be done is in PostgreSQL."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bin.devstack.stack import Stack
from tests import places
from tests.faults.killing import kill_service
from tests.operate.site import Row, traded

TIMES = 2
PAUSE_S = 4.0
AWAY_S_MAX = 2.0


async def run(directory: Path) -> Sequence[Row]:
    """Kill it some times; the one that follows is empty."""
    places.prepare(directory)
    places.with_cluster(directory)

    async def lose(stack: Stack) -> None:
        for _ in range(TIMES):
            await kill_service(stack, "valkey")
            await asyncio.sleep(PAUSE_S)

    return [await traded(f"Redis lost {TIMES} times", directory, lose, away_s_max=AWAY_S_MAX)]
