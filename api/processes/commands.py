"""What commands have in common: they need the database and nothing else, and end with a sentence."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pydantic import ValidationError

from api.resources import database, failures
from api.resources.database import Database
from api.resources.settings import DatabaseSettings

REFUSED, CANNOT = 1, 2


@asynccontextmanager
async def connected(role: str | None = "") -> AsyncIterator[Database]:
    """The database that DATABASE_URL names, acting as the application's role or, for None, as who logs in."""
    configured = DatabaseSettings()
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
    """The exit status of a command, CANNOT where settings are missing or the database does not answer."""
    try:
        return command()
    except ValidationError as error:
        wrong = (f"{_named(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        reason = "; ".join(wrong)
    except BrokenPipeError:  # Whoever read has seen enough.
        sys.stderr.close()
        return CANNOT
    except failures.RAISED as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
    sys.stderr.write(f"{name}: {reason}\n")
    return CANNOT


def _named(place: tuple[int | str, ...]) -> str:
    prefix = DatabaseSettings.model_config["env_prefix"]
    name = str(place[0])
    return name if name.isupper() else f"{prefix}{name}".upper()
