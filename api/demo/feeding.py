"""Keep the demo alive: meters report each quarter-hour, members trade for the hours ahead (`trading`)."""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.demo import auctioning, trading
from api.demo.loading import simulated_days, today_in
from api.demo.story import PLACES, SEED, Place
from api.resources import clock
from api.resources.database import Database
from domain.kernel.database import among
from domain.kernel.intervals import day_start, floor_to
from domain.metering import readings
from domain.metering.days import MISSING, ReadingDay, blocks_of
from domain.metering.tables import MeteringPoint, Reading

logger = logging.getLogger("commonwatt.demo")
ORDERS_EVERY_S = 1.0
BID_EVERY = 7
OFFERS_EVERY_S = 20.0
QUARTER = timedelta(minutes=15)


async def feed(database: Database) -> None:
    """Feed until the process is told to stop."""
    feeding = asyncio.gather(_meters(database), _traders(database), _auctioneer(database))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, feeding.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await feeding


async def _meters(database: Database) -> None:
    """After each quarter-hour every meter reports it; what was missed while the demo was down comes first."""
    while True:
        now = clock.outside()
        with _through_outages():
            for place in PLACES:
                async with database.transaction() as session:
                    await report_until(session, place, floor_to(now, 15))
        until_next = floor_to(now, 15) + QUARTER - clock.outside()
        await asyncio.sleep(max(1.0, until_next.total_seconds() + 1))


async def report_until(session: AsyncSession, place: Place, end: datetime) -> None:
    """Record every quarter-hour of a place that has ended and is not there yet."""
    codes = [place.code(number) for number in range(len(place.people))]
    points = select(MeteringPoint.id).where(among(MeteringPoint.code, codes))
    last_day = select(func.max(Reading.day)).where(Reading.metering_point_id.in_(points))
    start: date | None = (await session.execute(last_day)).scalar_one()
    if start is None:
        return
    days = await simulated_days(session, place, start, (today_in(place) - start).days + 1)
    arrived = [day for day in (_until(day, end, ZoneInfo(place.site.timezone)) for day in days) if day is not None]
    if arrived:
        await readings.record_days(session, blocks_of(arrived), source="demo feed", sender="demo")


def _until(day: ReadingDay, end: datetime, zone: ZoneInfo) -> ReadingDay | None:
    """A day without what has not been metered yet; None before its first quarter-hour has ended."""
    ended = int((end - day_start(day.day, zone)) / QUARTER)
    if ended <= 0:
        return None
    values = day.values_ukwh.copy()
    values[ended:] = MISSING
    return ReadingDay(day.metering_point_id, day.direction, day.day, day.quality, values)


async def _traders(database: Database) -> None:
    """Every second somebody trades."""
    for number in count(int(clock.outside().timestamp())):
        chance = random.Random(f"{SEED}:{number}")  # noqa: S311 (a demo, not a secret)
        with _through_outages():
            async with database.transaction() as session:
                await trading.place_one(session, chance)
            if number % BID_EVERY == 0:
                await auctioning.bid(database, chance)
        await asyncio.sleep(ORDERS_EVERY_S)


async def _auctioneer(database: Database) -> None:
    """Every quarter-hour the wind park puts some of its wind up for auction, once it has the money that it may owe."""
    while True:
        with _through_outages():
            await auctioning.offer(database)
        await asyncio.sleep(OFFERS_EVERY_S)


@contextlib.contextmanager
def _through_outages() -> Iterator[None]:
    """A database that is down is waited for."""
    try:
        yield
    except (DBAPIError, OSError):
        logger.warning("the demo waits for the database")
