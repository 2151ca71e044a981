"""Orders of the demo's members: each offers or asks for what its meter will count, in parts, where it lives.

So prices fall when the sun or the wind is strong and rise in the evening, and what is traded is delivered, but for the
little by which members misjudge. A part is offered once, by its key: two feeds would only repeat each other's orders.
"""

import contextlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.demo.story import TRADING, Person, Place
from api.demo.terms import RULES
from api.resources import clock
from domain.communities import sight
from domain.geography.tables import SubstationArea
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period, day_start, floor_to
from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH
from domain.market.orders import placing
from domain.market.orders.orders import Proposal
from domain.market.places.tables import Market, OrderSide
from domain.metering.tables import MeteringPoint

QUARTER = timedelta(minutes=15)
QUARTERS_AHEAD = 10
PLANTS_PART = 0.25
PARTS = 8
TENTHS = 10  # What is expected is cut into so many; what no order takes is left for auctions and for having misjudged.


@dataclass(frozen=True, slots=True)
class Trader:
    """A person of a place, by number."""

    place: int
    number: int

    @property
    def home(self) -> Place:
        return TRADING[self.place]

    @property
    def person(self) -> Person:
        return self.home.people[self.number]

    def expected_ukwh(self, start: datetime) -> int:
        """What the trader's meter will count in a quarter-hour: positive when it injects."""
        return _expected_ukwh(self.place, self.number, start)


TRADERS = tuple(
    Trader(place, number)
    for place, home in enumerate(TRADING)
    for number, person in enumerate(home.people)
    if (person.annual_kwh or person.injects) and person.login not in RULES
)
PLANTS = tuple(trader for trader in TRADERS if trader.person.plant)
HOMES = tuple(trader for trader in TRADERS if not trader.person.plant)


async def place_one(session: AsyncSession, chance: random.Random) -> None:
    """One order for one of the coming quarter-hours: of a plant now and then, else of a home."""
    now = clock.outside()
    start = floor_to(now, 15) + QUARTER * chance.randrange(1, QUARTERS_AHEAD)
    trader = chance.choice(PLANTS if chance.random() < PLANTS_PART else HOMES)
    part = chance.randrange(PARTS)
    energy_ukwh = part_ukwh(trader, start)
    if energy_ukwh == 0:
        return
    side, price_ticks = _terms(trader, energy_ukwh, chance)
    proposal = Proposal(
        market_id=await market_of(session, trader),
        side=side,
        energy_ukwh=abs(energy_ukwh),
        limit_price_ueur_per_kwh=price_ticks * TICK_UEUR_PER_KWH,
        delivery=Period(start, start + QUARTER),
        source=trader.person.source if side is OrderSide.SELL else None,
    )
    key = f"demo-{start:%Y%m%d%H%M}-{part}"
    with contextlib.suppress(DomainError):  # A gate that closes meanwhile, or a part that is placed already.
        await placing.place(session, await viewer_of(session, trader), key, proposal, now=now)


def part_ukwh(trader: Trader, start: datetime) -> int:
    """A tenth of what the trader expects to inject (or, below zero, to withdraw) in a quarter-hour, whole lots."""
    expected = trader.expected_ukwh(start)
    misjudged = 90 + 7 * (trader.number + start.minute // 15) % 25  # Percent.
    lots = abs(expected) * misjudged // (100 * TENTHS) // LOT_UKWH
    return lots * LOT_UKWH if expected > 0 else -lots * LOT_UKWH


def _terms(trader: Trader, energy_ukwh: int, chance: random.Random) -> tuple[OrderSide, int]:
    """Side and limit price in ticks: plants sell cheap, homes with sun less so."""
    if energy_ukwh < 0:
        return OrderSide.BUY, chance.randrange(900, 2_900)
    cheapest, dearest = (700, 1_500) if trader.person.plant else (700, 1_900)
    return OrderSide.SELL, chance.randrange(cheapest, dearest)


async def viewer_of(session: AsyncSession, trader: Trader) -> Viewer:
    """Whom the trader signs in as."""
    user_id = (await session.execute(select(User.id).where(User.email == trader.person.email))).scalar_one()
    return await sight.viewer_for(await session.connection(), user_id)


async def market_of(session: AsyncSession, trader: Trader) -> UUID:
    """The market of the zone in which the trader's meter lies."""
    query = (
        select(Market.id)
        .join(SubstationArea, SubstationArea.market_zone_id == Market.zone_id)
        .join(MeteringPoint, MeteringPoint.substation_area_id == SubstationArea.id)
    )
    code = trader.home.code(trader.number)
    return (await session.execute(query.where(MeteringPoint.code == code))).scalar_one()


@lru_cache(maxsize=2_048)
def _expected_ukwh(place: int, number: int, start: datetime) -> int:
    home = TRADING[place]
    zone = ZoneInfo(home.site.timezone)
    local_day = start.astimezone(zone).date()
    (day,) = home.metered(number, local_day, 1)
    slot = int((start - day_start(local_day, zone)) / QUARTER)
    return int(np.int64(day.injected_ukwh[slot]) - day.withdrawn_ukwh[slot])
