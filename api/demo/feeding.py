"""Keep the demo alive: meters report each quarter-hour, members place orders for the hours ahead.

What a member offers or asks for is what its meter is expected to count, so prices fall at noon and rise in the evening.
Chance is drawn from the seed and the clock: two feeds at once would only repeat each other's orders.
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.database import Database
from api.demo.loading import simulated_days, today_in
from api.demo.story import ESCH, PLACES, PLANTS, SEED, ZONES, Person, Place
from domain.communities import sight
from domain.errors import DomainError
from domain.geography.tables import MarketZone
from domain.identity.tables import User
from domain.intervals import Period, day_start, floor_to
from domain.market import orders, placing
from domain.market.tables import EnergySource, Market, OrderSide
from domain.metering import readings
from domain.metering.days import MISSING, ReadingDay, blocks_of
from domain.metering.simulation import simulate
from domain.metering.tables import MeteringPoint, Reading
from domain.quantities import LOT_UKWH, TICK_UEUR_PER_KWH

logger = logging.getLogger("commonwatt.demo")
ORDERS_EVERY_S = 1.0
PLANTS_PART = 0.4
QUARTER = timedelta(minutes=15)
HOURS_AHEAD = 3


async def feed(database: Database) -> None:
    """Feed until the process is told to stop."""
    feeding = asyncio.gather(_meters(database), _traders(database))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, feeding.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await feeding


async def _meters(database: Database) -> None:
    """After each quarter-hour every meter reports it; what was missed while the demo was down comes first."""
    while True:
        now = datetime.now(UTC)
        with _through_outages():
            for place in PLACES:
                async with database.transaction() as session:
                    await report_until(session, place, floor_to(now, 15))
        until_next = floor_to(now, 15) + QUARTER - datetime.now(UTC)
        await asyncio.sleep(max(1.0, until_next.total_seconds() + 1))


async def report_until(session: AsyncSession, place: Place, end: datetime) -> None:
    """Record every quarter-hour of a place that has ended and is not there yet."""
    codes = [place.code(number) for number in range(len(place.people))]
    points = select(MeteringPoint.id).where(MeteringPoint.code.in_(codes))
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
    """Every second somebody places an order."""
    for number in count(int(datetime.now(UTC).timestamp())):
        with _through_outages():
            async with database.transaction() as session:
                await place_one(session, random.Random(f"{SEED}:{number}"))  # noqa: S311 (a demo, not a secret)
        await asyncio.sleep(ORDERS_EVERY_S)


async def place_one(session: AsyncSession, chance: random.Random) -> None:
    """One order for one of the coming quarter-hours: of a plant now and then, else of a home."""
    now = datetime.now(UTC)
    start = floor_to(now, 15) + QUARTER * chance.randrange(2, 4 * HOURS_AHEAD)
    offer = _of_plant(chance) if chance.random() < PLANTS_PART else _of_home(chance, start)
    if offer.energy_ukwh == 0:
        return
    proposal = orders.Proposal(
        market_id=await _market(session, offer.zone),
        side=offer.side,
        energy_ukwh=offer.energy_ukwh,
        limit_price_ueur_per_kwh=offer.price_ticks * TICK_UEUR_PER_KWH,
        delivery=Period(start, start + QUARTER),
        source=offer.source,
    )
    user_id = (await session.execute(select(User.id).where(User.email == offer.email))).scalar_one()
    viewer = await sight.viewer_for(await session.connection(), user_id)
    with contextlib.suppress(DomainError):  # A gate that closes meanwhile, or the same key a moment ago.
        await placing.place(session, viewer, f"demo-{now.timestamp():.1f}-{offer.email}", proposal, now=now)


@dataclass(frozen=True, slots=True)
class _Offer:
    email: str
    zone: int
    side: OrderSide
    energy_ukwh: int
    price_ticks: int
    source: EnergySource | None


def _of_plant(chance: random.Random) -> _Offer:
    plant = chance.choice(PLANTS)
    energy_ukwh = chance.randrange(*plant.energy_wh) * LOT_UKWH
    return _Offer(
        plant.email, plant.zone, OrderSide.SELL, energy_ukwh, chance.randrange(*plant.price_ticks), plant.source
    )


def _of_home(chance: random.Random, start: datetime) -> _Offer:
    """What the home is expected to have left or to need; homes trade in the zones in turn."""
    home = chance.randrange(len(ESCH.people))
    person = ESCH.people[home]
    expected_ukwh = _expected_ukwh(home, person, start)
    energy_ukwh, zone = abs(expected_ukwh) // LOT_UKWH * LOT_UKWH, home // 2 % len(ZONES)
    if expected_ukwh > 0:
        price = chance.randrange(700, 1_900)
        return _Offer(person.email, zone, OrderSide.SELL, energy_ukwh, price, EnergySource.SOLAR)
    return _Offer(person.email, zone, OrderSide.BUY, energy_ukwh, chance.randrange(900, 2_900), None)


def _expected_ukwh(home: int, person: Person, start: datetime) -> int:
    """What the home's meter will count in a quarter-hour: positive when it injects."""
    local = start.astimezone(ZoneInfo(ESCH.site.timezone))
    (day,) = simulate(ESCH.point(home, person), local.date(), 1, SEED)
    number = int((start - day_start(local.date(), ZoneInfo(ESCH.site.timezone))) / QUARTER)
    return int(np.int64(day.injected_ukwh[number]) - day.withdrawn_ukwh[number])


async def _market(session: AsyncSession, zone: int) -> UUID:
    query = select(Market.id).join(MarketZone, MarketZone.id == Market.zone_id)
    return (await session.execute(query.where(MarketZone.code == ZONES[zone].code))).scalar_one()


@contextlib.contextmanager
def _through_outages() -> Iterator[None]:
    """A database that is down is waited for."""
    try:
        yield
    except (DBAPIError, OSError):
        logger.warning("the demo waits for the database")
