"""Markets, links and charges that may not be."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.authorization.world import World
from tests.api.hostile.rows import NOBODYS, Row, Section, done
from tests.factories.market import a_market


def charged(role: str = "platform administrator", **changes: Any) -> Any:
    given = {"kind": "NETWORK", "payer": "BUY", "rate": "0.03", "validFrom": "2096-01-01T00:00:00Z"}
    return done("setMarketCharge", lambda id_of: {"marketId": id_of("Market", "north"), **given, **changes}, role)


MARKETS = (
    Row(
        "a market in a zone that has one",
        done("createMarket", lambda id_of: {"zoneId": id_of("MarketZone", "north"), "name": "x"}),
        200,
        "CODE_TAKEN",
        "The zone has a market already. [zoneId]",
    ),
    Row(
        "a market by a member",
        done("createMarket", lambda id_of: {"zoneId": id_of("MarketZone", "south"), "name": "x"}, "member"),
        200,
        "FORBIDDEN",
        "You may not open a market.",
    ),
    Row(
        "a market with NUL in its name",
        done("createMarket", lambda id_of: {"zoneId": id_of("MarketZone", "south"), "name": "a\x00"}),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them NUL. [name]",
    ),
    Row(
        "a market with batches of no length",
        done("createMarket", lambda id_of: {"zoneId": id_of("MarketZone", "south"), "name": "x", "batchSeconds": 0}),
        200,
        "INVALID_INPUT",
        "It must be 1 to 900. [batchSeconds]",
    ),
    Row(
        "a link from a zone to itself",
        done(
            "linkZones",
            lambda id_of: {
                "fromZoneId": id_of("MarketZone", "north"),
                "toZoneId": id_of("MarketZone", "north"),
                "capacityKwh": "1",
                "cost": "0",
            },
        ),
        200,
        "INVALID_INPUT",
        "A link leads to another zone. [toZoneId]",
    ),
    Row(
        "a link of negative capacity",
        done(
            "linkZones",
            lambda id_of: {
                "fromZoneId": id_of("MarketZone", "south"),
                "toZoneId": id_of("MarketZone", "north"),
                "capacityKwh": "-1",
                "cost": "0",
            },
        ),
        200,
        "INVALID_INPUT",
        "It must be 0 to 1000000000000000 micro-kWh. [capacityKwh]",
    ),
    Row(
        "a link that costs 9 million a kWh",
        done(
            "linkZones",
            lambda id_of: {
                "fromZoneId": id_of("MarketZone", "south"),
                "toZoneId": id_of("MarketZone", "north"),
                "capacityKwh": "1",
                "cost": "9000000",
            },
        ),
        200,
        "INVALID_INPUT",
        "It must be 0 to 4000000 micro-EUR/kWh. [cost]",
    ),
)

CHARGES = (
    Row("a charge by a member", charged("member"), 200, "FORBIDDEN", "You may not set charges of a market."),
    Row(
        "a charge that pays its payer",
        charged(rate="-0.01"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 4000000 micro-EUR/kWh. [rate]",
    ),
    Row(
        "a charge of 1,000 EUR/kWh",
        charged(rate="1000"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 4000000 micro-EUR/kWh. [rate]",
    ),
    Row(
        "a charge with VAT of 200 %",
        charged(vatRate="2"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 1000000 millionths. [vatRate]",
    ),
    Row(
        "a charge with VAT below nothing",
        charged(vatRate="-0.1"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 1000000 millionths. [vatRate]",
    ),
    Row(
        "a charge for a fund that is nobody's",
        charged(kind="COMMUNITY_FUND"),
        200,
        "INVALID_INPUT",
        "A contribution to a fund, and nothing else, names a community. [communityId]",
    ),
    Row(
        "a fee for a community",
        done(
            "setMarketCharge",
            lambda id_of: {
                "marketId": id_of("Market", "north"),
                "kind": "FEE",
                "payer": "BUY",
                "rate": "0.03",
                "validFrom": "2096-01-01T00:00:00Z",
                "communityId": id_of("Community", "A"),
            },
        ),
        200,
        "INVALID_INPUT",
        "A contribution to a fund, and nothing else, names a community. [communityId]",
    ),
    Row(
        "a charge on orders that are placed",
        charged(validFrom="2026-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "Orders may be placed until",
    ),
    Row(
        "a charge in a market that is not there",
        charged(marketId=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
)

SECTIONS = (
    Section("Markets", MARKETS, place=91),
    Section("Auctions, charges and statements", CHARGES, place=101),
)


async def set_scene(session: AsyncSession, world: World) -> None:
    """A market in the south, which is halted, in the west, which is limited, and one that checks capacity."""
    for name in ("south", "west", "east"):
        zone_id = world.rows["MarketZone"][name]
        world.keep("Market", name, await a_market(session, zone_id, is_capacity_checked=name == "east"))
