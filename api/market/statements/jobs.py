"""Make statements: every day of the months whose deliveries may have been settled or corrected since."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.resources import clock
from domain.jobs import queue
from domain.jobs.tables import Job
from domain.kernel.database import among
from domain.market.statements import billing
from domain.market.statements.words import MAKE_STATEMENTS

TOGETHER_MAX = 200  # Users of one transaction.
MONTHS = 3  # Readings are corrected for so long.


@periodic
async def schedule_statements(session: AsyncSession) -> None:
    """Ask once a day for the statements of the last months."""
    today = clock.now().date()
    keys = {f"statements:{month:%Y-%m}:{today}": month for month in months_before(today)}
    asked = set(await session.scalars(select(Job.key).where(among(Job.key, keys))))
    for key, month in keys.items():
        if key not in asked:
            arguments = {"month": month.isoformat(), "actor": "clock"}
            await queue.enqueue(session, MAKE_STATEMENTS, key, arguments)


def _parts(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[at : at + TOGETHER_MAX] for at in range(0, len(ids), TOGETHER_MAX)]


def months_before(day: date) -> list[date]:
    """First days of the months before that of a day, the last one first."""
    months = [day.year * 12 + day.month - 1 - back for back in range(1, MONTHS + 1)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]


@job(MAKE_STATEMENTS)
async def make_statements(work: Work) -> None:
    """State a month, some users at a time; what was stated as it is stays, so running twice changes nothing.

    Where it is still the month (west of Greenwich, on the first day of the next one), it is stated the day after.
    """
    month, now = date.fromisoformat(work.arguments["month"]), clock.now()
    async with work.database.transaction() as session:
        users = await billing.timezones(session, month)
    over = {zone: ids for zone, ids in users.items() if billing.month_in(month, zone).end <= now}
    parts = [(zone, part) for zone, ids in sorted(over.items()) for part in _parts(ids)]
    made = 0
    for number, (zone, part) in enumerate(parts):
        await work.report(number / len(parts), f"{made} documents made.")
        async with work.database.transaction() as session:
            made += await billing.make(session, month, zone, part, actor=work.arguments["actor"], now=now)
    async with work.recording():
        pass
