"""A market in the north, with a charge, and a link from its zone to the south."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.places import markets
from domain.market.places.tables import ChargeKind, MarketCharge, OrderSide
from tests.api.authorization.world import World
from tests.factories.market import ADMIN, a_market

AT = datetime(2026, 2, 1, tzinfo=UTC)


async def add_rows(session: AsyncSession, world: World) -> None:
    """All of it."""
    zones = world.rows["MarketZone"]
    market_id = await a_market(session, zones["north"])
    world.keep("Market", "north", market_id)
    ends = {"from_zone_id": zones["north"], "to_zone_id": zones["south"]}
    link_id = await markets.link_zones(session, ADMIN, **ends, capacity_ukwh=1_000_000, cost_ueur_per_kwh=0)
    world.keep("ZoneLink", "north to south", link_id)
    charge = MarketCharge(
        market_id=market_id, kind=ChargeKind.NETWORK, payer=OrderSide.BUY, rate_ueur_per_kwh=31_200, valid_from=AT
    )
    await world.store(session, "MarketCharge", "network", charge)
