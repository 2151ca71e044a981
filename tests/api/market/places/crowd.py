"""A market in each zone, charges of the first, and links between its zone and all others."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone, ZoneLink
from domain.market.places.tables import ChargeKind, Market, MarketCharge, OrderSide, PricingRule
from tests.api.crowd import MANY, START, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Links, markets and charges."""
    zones = await ids(session, MarketZone)
    links = [(zones[0], other) for other in zones[1:]] + [(other, zones[0]) for other in zones[1:]]
    terms = {"capacity_ukwh": 1_000, "cost_ueur_per_kwh": 0}
    await stored(session, [ZoneLink(from_zone_id=a, to_zone_id=b, **terms) for a, b in links])
    places = await stored(session, [Market(zone_id=id, name="x", pricing=PricingRule.UNIFORM) for id in zones])
    charge = {"kind": ChargeKind.NETWORK, "payer": OrderSide.BUY, "rate_ueur_per_kwh": 1_000}
    starts = [START + number * timedelta(days=1) for number in range(MANY)]
    await stored(session, [MarketCharge(market_id=places[0].id, valid_from=at, **charge) for at in starts])
