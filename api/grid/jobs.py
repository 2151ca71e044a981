"""Measure zones, and end what has expired."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.resources import clock
from domain.aggregates import zones as metered_zones
from domain.communities import zones
from domain.grid import congestion, loads
from domain.grid.words import MEASURE_GRID
from domain.jobs import queue
from domain.kernel.intervals import floor_to
from domain.market.clearing import flows
from domain.market.orders import halting

EVERY_MINUTES = 5
TIME_LIMIT_S = 240


@periodic
async def resume_zones(session: AsyncSession) -> None:
    """Let zones trade again whose halt has expired, and halt orders that were placed while theirs began."""
    now = clock.now()
    await halting.resume_expired(session, now=now)
    await halting.stop_late_orders(session, now=now)


@periodic
async def schedule_measurements(session: AsyncSession) -> None:
    """Ask for a measurement every five minutes."""
    at = floor_to(clock.now(), EVERY_MINUTES).isoformat()
    await queue.enqueue(session, MEASURE_GRID, f"measure:{at}", {"at": at}, time_limit_s=TIME_LIMIT_S)


@job(MEASURE_GRID)
async def measure_grid(work: Work) -> None:
    """Measure the load of all zones, and tell of congestion that begins or ends."""
    now = datetime.fromisoformat(work.arguments["at"])
    async with work.database.transaction() as session:
        metered = await metered_zones.metered(session, loads.window(now))
        exported = await flows.net_exports(session, loads.window(now))
    async with work.recording() as recording:
        measured = await loads.record(recording.session, metered, exported, now=now)
        for zone_id, current in congestion.current(measured, now).items():
            people = await zones.people_of(recording.session, zone_id, day=now.date())
            await congestion.tell(recording.session, current, zone_id, people=people, now=now)
