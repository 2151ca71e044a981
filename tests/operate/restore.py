"""The disk of the database is lost under load; its files come back from a base backup and the log.

To the end of the log nothing acknowledged is lost, as the server waits for the log's keeper. To a moment, what came
later is, and Redis, the processes and the clients know things that the database no longer does: it does no harm.
"""

import asyncio
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bin.devstack.processes import Child
from tests import places
from tests.faults.running import Result
from tests.operate.servers import Server
from tests.operate.site import Row, played, row_of, traded

AWAY_S_MAX = 30.0
GONE_S = 3.0  # What is lost by a restore to a moment.
ALL_SAFE = {"synchronous_standby_names": '"commonwatt backup"'}
KEPT = "SELECT 1 FROM pg_stat_replication WHERE application_name = 'commonwatt backup'"
BACKUPS = ("-m", "bin.backups")

# Of what came after the moment nothing is promised, not even that it is gone.
HOLDS_BEFORE = (
    "nothing acknowledged is lost",
    "each trade is settled once",
    "every deposit has ended",
    "sums are zero",
)


@dataclass
class Disaster:
    """A server with its backup, which loses its disk and gets it back."""

    directory: Path
    server: Server = field(init=False)
    keeper: Child | None = None

    def __post_init__(self) -> None:
        self.server = Server(self.directory / "disk" / "pg", ALL_SAFE)
        self.server.give(self.directory / "disk")
        self.server.copy_migrated()

    async def begin(self) -> None:
        """Start the server and the keeper of its log."""
        await self.server.start()
        os.environ["DATABASE_URL"] = self.server.url
        await self.keep("log")

    async def keep(self, log: str) -> None:
        """Without the keeper of its log a server acknowledges nothing."""
        self.keeper = await self.server.beside("log", *BACKUPS, "backup", "log", self.kept(log))
        while not self.server.ask(KEPT):
            await asyncio.sleep(0.05)

    def kept(self, name: str) -> str:
        return str(self.directory / "kept" / name)

    async def back_up(self) -> None:
        """The base backup, as the server works."""
        await self.server.do("base", *BACKUPS, "backup", "base", self.kept("base"))

    async def restore(self, *options: str) -> None:
        """Lose the disk, and make a server of what is kept."""
        self.server.kill()
        await self.end()
        self.server.give_all(self.directory / "kept")
        shutil.rmtree(self.server.data)
        target = ("restore", "base", self.kept("base"), str(self.server.data), "--log", self.kept("log"))
        await self.server.do("restore", *BACKUPS, *target, *options)
        await self.server.start()
        await self.keep("log-after")

    async def end(self) -> None:
        """Stop what runs."""
        if self.keeper is not None:
            await self.keeper.stop()
        await self.server.stop()


async def run(directory: Path) -> Sequence[Row]:
    """Once to the end of the log, once to a moment."""
    return [
        await _to_the_end(places.emptied(directory / "end")),
        await _to_a_moment(places.emptied(directory / "then")),
    ]


async def _to_the_end(directory: Path) -> Row:
    places.prepare(directory)
    disaster = Disaster(directory)
    try:
        await disaster.begin()

        async def lose(_: object) -> None:
            await disaster.back_up()
            await asyncio.sleep(GONE_S)
            await disaster.restore()

        return await traded("disk lost, restored to the end of the log", directory, lose, away_s_max=AWAY_S_MAX)
    finally:
        await disaster.end()


async def _to_a_moment(directory: Path) -> Row:
    places.prepare(directory)
    disaster = Disaster(directory)
    what = f"restored to {GONE_S:.0f} s before, nothing else restarted"
    answered_at = 0.0

    async def put_back(_: object) -> None:
        nonlocal answered_at
        await disaster.back_up()
        answered_at = time.monotonic()
        then = disaster.server.ask("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF:00')")
        await asyncio.sleep(GONE_S)
        await disaster.restore("--until", then)

    try:
        await disaster.begin()
        result = await played(what, directory, put_back)
    finally:
        await disaster.end()
    whole = row_of(what, result, AWAY_S_MAX, ())
    before = row_of(what, _until(result, answered_at), math.inf, HOLDS_BEFORE)
    return replace(whole, lost=before.lost, broken=list(dict.fromkeys([*whole.broken, *before.broken])))


def _until(result: Result, at: float) -> Result:
    """The run as far as it had been answered by then."""
    return replace(result, run=replace(result.run, journal=result.run.journal.until(at)))
