"""Zones, markets and orders for tests. Deliveries are counted in intervals from `first_delivery`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import domain.kernel.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.geography.tables import MarketZone
from domain.identity.tables import PlatformRole
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.intervals import Period, floor_to
from domain.kernel.quantities import parse_micro
from domain.ledger import accounts, transfers
from domain.ledger.tables import AccountKind, TransferKind
from domain.ledger.transfers import NewTransfer
from domain.market.orders import placing
from domain.market.orders.orders import Proposal
from domain.market.orders.usage import SOURCE_OF_PLANT
from domain.market.places import markets
from domain.market.places.tables import OrderSide
from tests.factories.communities import own_plant
from tests.factories.identity import a_user

QUARTER = timedelta(minutes=15)
ADMIN = Viewer(user_id=new_id(), roles=frozenset({PlatformRole.ADMIN}))
BUY, SELL = OrderSide.BUY, OrderSide.SELL
PLANT_OF_SOURCE = {source: kind for kind, source in SOURCE_OF_PLANT.items()}


_FIRST = floor_to(datetime.now(UTC), 60) + timedelta(hours=3)


def now() -> datetime:
    """The instant at which tests act."""
    return datetime.now(UTC)


def first_delivery() -> datetime:
    """Start of a delivery interval that is not about to begin; the same in a whole test run."""
    return _FIRST


def a_delivery(first: int = 0, intervals: int = 1) -> Period:
    """Some quarter-hours, counted from the first delivery."""
    start = first_delivery() + first * QUARTER
    return Period(start, start + intervals * QUARTER)


async def a_trader(session: AsyncSession, funds: str = "1000000") -> Viewer:
    """A signed-in person with money, EUR."""
    trader = Viewer(user_id=(await a_user(session)).id)
    await fund(session, trader, funds=funds)
    return trader


async def fund(session: AsyncSession, *owners: Viewer, funds: str = "1000000") -> None:
    """Put money, EUR, into the wallets of users."""
    ids = {owner.user_id for owner in owners if owner.user_id is not None}
    external = await accounts.platform(session, AccountKind.EXTERNAL)
    wallets = (await accounts.hold(session, ids)).wallets
    amount = parse_micro(funds)
    made = [
        NewTransfer(TransferKind.DEPOSIT, f"test:{new_id()}", {external: -amount, wallet.available_id: amount})
        for wallet in wallets.values()
    ]
    await transfers.post(session, made, actor="test", now=now())


async def a_zone(session: AsyncSession, code: str | None = None) -> UUID:
    """A stored market zone without a boundary."""
    zone = MarketZone(code=code or f"Z{new_id()}", name="A zone", country="IT")
    session.add(zone)
    await session.flush()
    return zone.id


async def a_market(session: AsyncSession, zone_id: UUID | None = None, **overrides: Any) -> UUID:
    """A market in a zone, a new one unless it is given."""
    zone_id = zone_id or await a_zone(session)
    facts: dict[str, Any] = {"zone_id": zone_id, "name": "A market", "is_capacity_checked": False} | overrides
    return await markets.create(session, ADMIN, **facts)


async def linked_markets(session: AsyncSession, kwh: str = "1", eur_per_kwh: str = "0") -> tuple[UUID, UUID]:
    """Two markets; energy may flow from the first one's zone to the second one's."""
    zones = [await a_zone(session), await a_zone(session)]
    terms = {"capacity_ukwh": parse_micro(kwh), "cost_ueur_per_kwh": parse_micro(eur_per_kwh)}
    first, second = [await a_market(session, zone_id) for zone_id in zones]
    await markets.link_zones(session, ADMIN, from_zone_id=zones[0], to_zone_id=zones[1], **terms)
    return first, second


def a_proposal(
    market_id: UUID, side: OrderSide = BUY, kwh: str = "1", price: str = "0.2", **overrides: Any
) -> Proposal:
    """An order to be placed: one quarter-hour unless `delivery` says otherwise."""
    facts = {"delivery": a_delivery()} | overrides
    return Proposal(market_id, side, parse_micro(kwh), parse_micro(price), **facts)


async def an_order(
    session: AsyncSession,
    owner: Viewer,
    market_id: UUID,
    side: OrderSide,
    kwh: str = "1",
    price: str = "0.2",
    **given: Any,
) -> UUID:
    """A placed order; who says where its energy comes from has a plant of that source."""
    if side is SELL and given.get("source") is not None:
        assert owner.user_id is not None
        await own_plant(session, owner.user_id, PLANT_OF_SOURCE[given["source"]])
    proposal = a_proposal(market_id, side, kwh, price, **given)
    return await placing.place(session, owner, str(new_id()), proposal, now=now())
