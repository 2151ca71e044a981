"""Settle deliveries: ask when an hour is due, then read, deliver, record; hour by hour, some trades at a time."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.delivery.bridge import deliver_hour
from api.resources import clock, failures
from domain.jobs.queue import JobCancelled
from domain.market.delivery import certificates, news, settlement
from domain.market.delivery import hours as delivery
from domain.market.delivery import recording as settling
from domain.market.delivery.recording import Ready
from domain.market.delivery.settlement import Settled
from domain.market.delivery.words import SETTLE_DELIVERIES

logger = logging.getLogger("commonwatt.market")
PUT_OFF = timedelta(minutes=5)


@periodic
async def schedule_settlement(session: AsyncSession) -> None:
    """Ask for the settlement of what is due."""
    await delivery.schedule(session, now=clock.now())


@job(SETTLE_DELIVERIES)
async def settle_deliveries(work: Work) -> None:
    """Settle all hours that are due; one that fails is put off, so that the others need not wait for it.

    Each transaction records some trades for good: killed in between, the next job goes on where this one stopped.
    """
    async with work.database.transaction() as session:
        hours = await delivery.due(session, now=clock.now())
    for number, hour in enumerate(hours):
        await work.report(number / len(hours), f"Settling deliveries of {hour.isoformat()}.")
        try:
            await settle_hour(work, hour)
        except (*failures.RAISED, JobCancelled):
            raise
        except Exception:
            logger.exception("deliveries of %s cannot be settled", hour)
            async with work.database.transaction() as session:
                await delivery.put_off(session, hour, until=clock.now() + PUT_OFF)
    await _certify(work)
    async with work.recording() as recording:
        await news.tell(recording.session, now=clock.now())


async def settle_hour(work: Work, starts_at: datetime) -> None:
    """Look at one hour: deliver its trades by what was metered, and settle what is new of it.

    While the database records some trades, the next ones are made ready in a thread: not before the statement was sent,
    for while it is encoded the thread would take every other turn of the interpreter, and the database wait.
    """
    now, actor = clock.now(), f"job:{work.id}"
    async with work.database.transaction() as session:
        hour = await delivery.read(session, starts_at)
    outcome = await work.solve(deliver_hour, hour, now)
    settled = settlement.settle(hour, outcome.delivered)
    ready = await work.solve(_next, settled, actor, now)
    while ready.settled:
        async with work.database.transaction() as session:
            held = await settling.hold(session, hour, ready)
            recording = asyncio.create_task(settling.record(session, hour, held))
            await asyncio.sleep(0)
            try:
                ready = await work.solve(_next, settled, actor, now)
            finally:
                await recording
    async with work.database.transaction() as session:
        await delivery.lock(session, starts_at)
        await delivery.finish(session, hour, outcome.waiting, is_complete=outcome.is_complete, now=now)


async def _certify(work: Work) -> None:
    """Bring certificates to what was settled, also by a job that did not come so far."""
    async with work.database.transaction() as session:
        hours = await news.untold(session)
    for hour in hours:
        async with work.database.transaction() as session:
            await certificates.certify(session, hour, actor=f"job:{work.id}", now=clock.now())


def _next(settled: Iterator[Settled], actor: str, now: datetime) -> Ready:
    return settling.ready(list(islice(settled, settling.TOGETHER_MAX)), {}, actor=actor, now=now)
