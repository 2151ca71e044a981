"""Wait until everything that was begun is finished."""

import asyncio
import contextlib
import time
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.resources.database import Database
from bin.devstack.progress import say
from domain.market.clearing import clearings

DRAINED_S = 15.0
PATIENCE_S = 60.0
ANSWERED_S = 90.0
LOOKS_EVERY_S = 0.25
SAYS_EVERY_S = 2.0
WAITING = text("""
    SELECT (SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING')) AS open_jobs,
           (SELECT count(*) FROM delivery_hour WHERE look_at <= :now OR has_news) AS due_hours,
           (SELECT count(*) FROM delivery_hour WHERE NOT is_settled AND starts_at + interval '1 hour' <= :now)
               AS unsettled_hours,
           (SELECT count(*) FROM event_stream WHERE announced < sequence) AS unannounced_streams,
           (SELECT count(*) FROM notice WHERE taken_at IS NULL) AS untaken_notices,
           (SELECT count(*) FROM payment WHERE status = 'REQUESTED') AS unsent_payments
""")

UNANSWERED = text("SELECT 1 FROM payment WHERE closed_at IS NULL LIMIT 1")


async def drained(database: Database, now: datetime) -> dict[str, int]:
    """Wait until nothing is left to do; gives what is left where that does not come to pass.

    Every hour that is over can be settled: the readings of the day were there before the run began.
    """
    began_at = said_at = time.monotonic()
    left: dict[str, int] = {}
    while time.monotonic() - began_at < PATIENCE_S:
        with contextlib.suppress(DBAPIError, OSError):
            left = await _left(database, now)
            if not left:
                break
            if time.monotonic() - said_at >= SAYS_EVERY_S:
                said_at = time.monotonic()
                say(f"still {', '.join(f'{name} {count}' for name, count in left.items())}")
        await asyncio.sleep(LOOKS_EVERY_S)
    return left


async def answered(database: Database) -> None:
    """Wait for the answers to payments; the checks tell of those that never come.

    They are no part of what has to be finished soon: a provider that could not reach us for long is asked again only
    after a minute (`domain.ledger.payments`).
    """
    deadline = time.monotonic() + ANSWERED_S
    while time.monotonic() < deadline:
        async with database.reading() as connection:
            if not await connection.scalar(UNANSWERED):
                return
        await asyncio.sleep(LOOKS_EVERY_S)


async def _left(database: Database, now: datetime) -> dict[str, int]:
    """What is left to do, by what it is."""
    async with database.transaction() as session:
        (row,) = await session.execute(WAITING, {"now": now})
        due = await session.scalars(clearings.DUE, {"now": now, "settles": clearings.SETTLES_S})
        counts = {**row._mapping, "due_clearings": len(due.all())}
    return {name: count for name, count in counts.items() if count}
