"""What commands have in common: they need the database and nothing else, and end with a sentence."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from api.resources import database, failures
from api.resources.database import Database
from api.resources.settings import database_settings

REFUSED, CANNOT = 1, 2


@asynccontextmanager
async def connected(role: str | None = "") -> AsyncIterator[Database]:
    """The database that DATABASE_URL names, acting as the application's role or, for None, as who logs in."""
    configured = database_settings()
    made = database.connect(
        str(configured.database_url),
        role=configured.database_role if role == "" else role,
        pool=2,
        statement_seconds=None,
        pooled=configured.database_pooled,
    )
    try:
        yield made
    finally:
        await made.close()


def ended(name: str, command: Callable[[], int]) -> int:
    """The exit status of a command, CANNOT where the database does not answer."""
    try:
        return command()
    except BrokenPipeError:  # Whoever read has seen enough.
        sys.stderr.close()
        return CANNOT
    except failures.RAISED as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
    sys.stderr.write(f"{name}: {reason}\n")
    return CANNOT
