"""Wrong passwords are counted by account, so that its owner hears of guesses, from wherever they come.

All of it happens after the answer: the time it took does not tell whether there is such an account.
"""

import asyncio
import logging

from api.resources.database import Database
from api.transport.limits import devices
from api.transport.terms.rates import Buckets, LocalBuckets
from api.transport.terms.settings import Rate
from domain.identity import sessions

logger = logging.getLogger("commonwatt.guesses")

UNTOLD = Rate(10, 10 / 3600)  # Wrong passwords that anybody may have typed.
TOLD = Rate(1, 1 / (6 * 3600))


class Guesses:
    """Where they are counted; shared by all processes where one is started with it."""

    buckets: Buckets = LocalBuckets()


_noting: set[asyncio.Task[None]] = set()


def note(database: Database, email: str) -> None:
    """Count a wrong password, soon."""
    task = asyncio.create_task(_note(database, email))
    _noting.add(task)
    task.add_done_callback(_noted)


async def finish() -> None:
    """Wait for what was noted."""
    await asyncio.gather(*_noting, return_exceptions=True)


def _noted(task: asyncio.Task[None]) -> None:
    _noting.discard(task)
    if not task.cancelled() and task.exception() is not None:
        logger.warning("A wrong password was not counted", exc_info=task.exception())


async def _note(database: Database, email: str) -> None:
    digest = devices.digest_of(email)
    counted = await Guesses.buckets.take(f"guesses:{digest}", UNTOLD, 1)
    if counted.remaining > 0:
        return
    if (await Guesses.buckets.take(f"guesses:told:{digest}", TOLD, 1)).is_granted:
        async with database.transaction() as session:
            await sessions.tell_of_guesses(session, email, UNTOLD.capacity)
