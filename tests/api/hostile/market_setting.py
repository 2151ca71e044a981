"""Markets in which orders and bids are refused: one is halted, one is limited, one checks capacity; auctions in one."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid.tables import LimitKind, ZoneLimit
from domain.identity.viewers import Viewer
from domain.kernel.quantities import parse_micro
from domain.market.auctions import auctions
from domain.market.auctions.auctions import Descent
from domain.market.orders import placing
from tests.factories.geography import a_market_zone
from tests.factories.market import a_delivery, a_market, a_proposal, now


async def set_markets(session: AsyncSession, world: Any) -> None:
    """The south is halted already; Gus offers 1 kWh now, and another one from tomorrow on."""
    await _markets(session, world)
    north_id, operator_id = world.rows["Market"]["north"], world.rows["User"]["gridley"]
    facts = {"reason": "test", "set_by_id": operator_id, "zone_id": world.rows["MarketZone"]["west"]}
    session.add(ZoneLimit(kind=LimitKind.PER_ORDER, energy_ukwh=parse_micro("5"), **facts))
    bob, gus = (Viewer(user_id=world.rows["User"][name]) for name in ("bob", "gus"))
    for name, opens_at in (("open", now()), ("scheduled", now() + timedelta(hours=1))):
        descent = Descent(parse_micro("0.3"), parse_micro("0.1"), parse_micro("0.1"), 3600)
        energy, delivery = parse_micro("1"), a_delivery(80)
        auction_id = await auctions.open_auction(
            session, gus, name, north_id, energy, delivery, descent, opens_at=opens_at.replace(microsecond=0), now=now()
        )
        world.keep("DutchAuction", name, auction_id)
    waiting = await placing.place(session, bob, "to be amended", a_proposal(north_id, price="0.01"), now=now())
    world.keep("Order", "bob's that is open", waiting)


async def _markets(session: AsyncSession, world: Any) -> None:
    for name, is_checked in (("west", False), ("east", True)):
        zone = await a_market_zone(session, name.upper())
        world.keep("MarketZone", name, zone)
        world.keep("Market", name, await a_market(session, zone.id, is_capacity_checked=is_checked))
    world.keep("Market", "south", await a_market(session, world.rows["MarketZone"]["south"]))
