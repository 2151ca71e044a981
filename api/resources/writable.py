"""Whether the database takes writes: asked every two seconds, so that a process follows a failover or an operator.

A standby, `default_transaction_read_only` of server, database or role, and the setting COMMONWATT_READ_ONLY come to the
same: PostgreSQL says that transactions are read-only. Then reads are answered and nothing else is; a process is ready.
"""

import asyncio
import contextlib
import logging

from api.resources import failures
from api.resources.database import Database

logger = logging.getLogger("commonwatt.writable")
LOOK_S = 2.0
LOOK = "SELECT current_setting('transaction_read_only') = 'on'"


async def look(database: Database) -> None:
    """Find out whether anything may be written. Raises what the database raises.

    A connection may have been told when it was opened, so while nothing can be written a new one is asked; once it can,
    the others are left.
    """
    was_off = database.writing.is_off
    if was_off and not database.is_pooled:
        connection = await database.bare.open()
        try:
            row = await connection.fetchrow(LOOK)
        finally:
            connection.terminate()
    else:
        row = await database.fetch(LOOK)
    assert row is not None
    database.writing.is_off = bool(row[0])
    if database.writing.is_off and not was_off:
        logger.warning("the database is read-only: reads are answered, and nothing can be changed")
    elif was_off and not database.writing.is_off:
        await database.renew()
        logger.warning("the database takes writes again")


async def keep(database: Database) -> None:
    """Look for ever; while the database is away it stays as it was."""
    while True:
        with contextlib.suppress(*failures.RAISED):
            await look(database)
        await asyncio.sleep(LOOK_S)


async def wait(database: Database) -> None:
    """Return once anything may be written. Raises what the database raises."""
    await look(database)
    while database.writing.is_off:
        await asyncio.sleep(LOOK_S)
        await look(database)
