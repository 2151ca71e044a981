"""Whom the fault run is about: traders with money, meters and tokens, and two linked markets, on a day long over."""

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.resources import database
from domain.communities.tables import AssetKind, Participation
from domain.identity.tables import Session
from domain.kernel.database import new_id
from domain.kernel.quantities import parse_micro
from domain.market.places import markets
from domain.market.places.tables import ChargeKind, OrderSide
from domain.metering.tables import Direction
from tests.factories.communities import an_asset
from tests.factories.deliveries import Party, a_charge, a_party
from tests.factories.market import ADMIN, a_market, a_zone, fund
from tests.factories.metering import a_reading_day, recorded

TRADERS = 20
DAY = date(2026, 11, 10)
MORNING = datetime(2026, 11, 10, 5, tzinfo=UTC)  # A winter day in Luxembourg: the run ends long before that day does.
RICH, POOR = "3000", "5"  # EUR; every fifth trader has to pay in before it can go on.
METERED_UKWH_MAX = 12_000_000  # Of a trader in a quarter-hour: some deliveries are whole, some fall short.


@dataclass(frozen=True, slots=True)
class Trader:
    """A user who trades, and the access token of a session."""

    user_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class World:
    """What a run begins with."""

    traders: tuple[Trader, ...]
    market_ids: tuple[UUID, UUID]


async def make(url: str, seed: int) -> World:
    """Fill an empty, migrated database; amounts and readings are those of the seed."""
    chance = random.Random(seed)
    connected = database.connect(url, role=None, pool=2, statement_seconds=None)
    try:
        async with connected.transaction() as session:
            market_ids = await _markets(session)
            parties = [await a_party(session) for _ in range(TRADERS)]
            for number, party in enumerate(parties):
                await fund(session, party.viewer, funds=POOR if number % 5 == 0 else RICH)
            await _plants(session)
            await _read(session, parties, chance)
            return World(tuple([await _signed_in(session, party, chance) for party in parties]), market_ids)
    finally:
        await connected.close()


async def forget_keys(url: str) -> None:
    """Have idempotency keys deleted as soon as they are stored: what the checks of the run must notice."""
    connected = database.connect(url, role=None, pool=1, statement_seconds=None)
    try:
        async with connected.engine.begin() as connection:
            for statement in FORGETTING:
                await connection.exec_driver_sql(statement)
    finally:
        await connected.close()


FORGETTING = (
    """CREATE FUNCTION forget_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      DELETE FROM idempotency_key WHERE actor = NEW.actor AND key = NEW.key;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER forget_key AFTER INSERT ON idempotency_key
    FOR EACH ROW EXECUTE FUNCTION forget_key()""",
)


async def _markets(session: AsyncSession) -> tuple[UUID, UUID]:
    """Two markets with batches of a second, charges, VAT and a penalty; energy may flow both ways between them."""
    zones = [await a_zone(session), await a_zone(session)]
    first, second = [
        await a_market(session, zone, batch_seconds=1, penalty_ueur_per_kwh=parse_micro("0.05"), energy_vat_ppm=80_000)
        for zone in zones
    ]
    for here, there in (zones, zones[::-1]):
        terms = {"capacity_ukwh": parse_micro("5"), "cost_ueur_per_kwh": parse_micro("0.01")}
        await markets.link_zones(session, ADMIN, from_zone_id=here, to_zone_id=there, **terms)
    for market_id in (first, second):
        for payer in OrderSide:
            await a_charge(session, market_id, ChargeKind.FEE, payer, "0.004", vat_ppm=170_000)
        await a_charge(session, market_id, ChargeKind.NETWORK, OrderSide.BUY, "0.02")
    return first, second


async def _plants(session: AsyncSession) -> None:
    """Everybody may name the sun, and a sale that names nothing is of either kind."""
    for part in (await session.scalars(select(Participation).order_by(Participation.id))).all():
        for kind in (AssetKind.PV, AssetKind.BIOMASS):
            await an_asset(session, part, kind=kind, power_w=100_000)


async def _read(session: AsyncSession, parties: list[Party], chance: random.Random) -> None:
    """Readings of the whole day, both ways, of every trader."""
    days = [
        a_reading_day(party.point.id, direction=direction, day=DAY, values_ukwh=_values(chance))
        for party in parties
        for direction in Direction
    ]
    await recorded(session, *days)


def _values(chance: random.Random) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([chance.randrange(METERED_UKWH_MAX) for _ in range(96)], np.int64)


async def _signed_in(session: AsyncSession, party: Party, chance: random.Random) -> Trader:
    token = f"cwa_faults-{chance.randbytes(16).hex()}"
    until = datetime.now(UTC) + timedelta(days=1)
    session.add(
        Session(
            user_id=party.user_id,
            family_id=new_id(),
            access_hash=hashlib.sha256(token.encode()).digest(),
            refresh_hash=hashlib.sha256(f"refresh {token}".encode()).digest(),
            access_expires_at=until,
            refresh_expires_at=until,
        )
    )
    await session.flush()
    return Trader(party.user_id, token)
