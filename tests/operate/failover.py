"""The primary dies under load and its standby takes over: all processes find it, and nothing acknowledged is lost.

The standby is synchronous, as nothing else keeps that promise; whoever decides to promote it does so at once.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.ports import LOOPBACK
from tests import places
from tests.operate.servers import Server, address_of
from tests.operate.site import Row, traded

STANDBY = "standby"
AWAY_S_MAX = 10.0


async def run(directory: Path) -> Sequence[Row]:
    """Kill the primary, promote the standby."""
    places.prepare(directory)
    primary = Server(directory / "primary", {"synchronous_standby_names": STANDBY, "wal_level": "replica"})
    standby = Server(directory / STANDBY)
    primary.copy_migrated()
    try:
        await primary.start()
        _copy(primary, standby)
        await standby.start()
        os.environ["DATABASE_URL"] = address_of(primary, standby)

        async def fail_over(_: object) -> None:
            primary.kill()
            standby.run("pg_ctl", "promote", "-D", str(standby.data))

        return [await traded("primary killed, standby promoted", directory, fail_over, away_s_max=AWAY_S_MAX)]
    finally:
        await standby.stop()
        await primary.stop()


def _copy(primary: Server, standby: Server) -> None:
    """A standby that follows the primary."""
    postgres.give_to_server(standby.data)
    source = f"host={LOOPBACK} port={primary.port} user={postgres.ROLE} application_name={STANDBY}"
    standby.run("pg_basebackup", "-D", str(standby.data), "-R", "-c", "fast", "-d", source)
