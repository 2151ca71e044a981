"""Orders, markets and links that may not be."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api.hostile.rows import NOBODYS, Row, done, of, period

NEXT_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)


def at(hours: float, minutes: int = 15, start: datetime = NEXT_HOUR) -> dict[str, str]:
    begins = start + timedelta(hours=hours)
    return period(begins.isoformat(), (begins + timedelta(minutes=minutes)).isoformat())


AN_ORDER = {"side": "BUY", "energyKwh": "1", "limitPrice": "0.1", "delivery": at(0), "idempotencyKey": "hostile"}


def placed(role: str = "member", market: str = "north", **changes: Any) -> Any:
    return done("placeOrder", lambda id_of: {"marketId": id_of("Market", market), **AN_ORDER, **changes}, role)


def amended(order: str = "bob's that is open", role: str = "member", **changes: Any) -> Any:
    return done("amendOrder", of("Order", order, idempotencyKey="hostile amendment", **changes), role)


MARKET = (
    Row(
        "no energy",
        placed(energyKwh="0"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "negative energy",
        placed(energyKwh="-1"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "half a watt-hour",
        placed(energyKwh="0.0005"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "9 TWh in a quarter-hour",
        placed(energyKwh="9000000000000"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "a price between ticks",
        placed(limitPrice="0.10001"),
        200,
        "OFF_TICK",
        "The limit price must be a multiple of 0.0001 EUR/kWh. [limitPrice]",
    ),
    Row(
        "a price of 1,000 EUR/kWh",
        placed(limitPrice="1000"),
        200,
        "INVALID_INPUT",
        "The limit price must be -4 to 4 EUR/kWh. [limitPrice]",
    ),
    Row(
        "a delivery that has begun",
        placed(delivery=at(-5)),
        200,
        "MARKET_CLOSED",
        "The gate for this delivery closed when it began, at",
    ),
    Row(
        "a delivery between intervals",
        placed(delivery=at(0.1)),
        200,
        "INVALID_INPUT",
        "The delivery must begin and end on delivery intervals of 15 minutes, UTC. [delivery]",
    ),
    Row(
        "a delivery next year",
        placed(delivery=at(24 * 365)),
        200,
        "MARKET_CLOSED",
        "The market now trades deliveries that end by",
    ),
    Row(
        "a delivery at the end of time",
        placed(delivery=period("9998-12-31T23:00:00Z", "9998-12-31T23:15:00Z")),
        200,
        "MARKET_CLOSED",
        "The market now trades deliveries that end by",
    ),
    Row(
        "a delivery that ends before it starts",
        placed(delivery=at(0, -15)),
        200,
        "BAD_USER_INPUT",
        "The period must end after it starts. [period]",
    ),
    Row(
        "a source on a buy order",
        placed(source="SOLAR"),
        200,
        "INVALID_INPUT",
        "A seller says where its energy comes from; a buyer says what it `accepts`. [source]",
    ),
    Row(
        "an empty idempotency key",
        placed(idempotencyKey=""),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an idempotency key with NUL",
        placed(idempotencyKey="a\x00"),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an idempotency key of 201 characters",
        placed(idempotencyKey="k" * 201),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an idempotency key used for another order",
        placed(idempotencyKey="used before", limitPrice="0.2"),
        200,
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was already used with another input. [idempotencyKey]",
    ),
    Row(
        "an order that costs more than one has",
        placed(energyKwh="1000", limitPrice="4"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "an order without any money",
        placed("outsider"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "a sell order that may cost more than one has",
        placed(side="SELL", energyKwh="1000", limitPrice="-4"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "an order that sells more than one's plants inject",
        placed(market="east", side="SELL", energyKwh="1000"),
        200,
        "CAPACITY_EXCEEDED",
        "Your plants cannot inject this beside what you have offered or sold for the same time. [energyKwh]",
    ),
    Row(
        "an order that sells without a plant",
        placed("outsider", market="east", side="SELL"),
        200,
        "CAPACITY_EXCEEDED",
        "Your plants cannot inject this beside what you have offered or sold for the same time. [energyKwh]",
    ),
    Row(
        "an order above the zone's limit",
        placed(market="west", energyKwh="5.001"),
        200,
        "LIMIT_EXCEEDED",
        "The zone's limit per order leaves no room for this order. [energyKwh]",
    ),
    Row(
        "an order in a zone that is halted",
        placed(market="south"),
        200,
        "MARKET_HALTED",
        "Trading in this zone is halted: test [marketId]",
    ),
    Row(
        "a sell order that accepts wind alone",
        placed(side="SELL", accepts="WIND"),
        200,
        "INVALID_INPUT",
        "Only buyers choose what energy they accept. [accepts]",
    ),
    Row(
        "a minimum fill above the order",
        placed(minimumFillKwh="1.001"),
        200,
        "INVALID_INPUT",
        "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy. [minimumFillKwh]",
    ),
    Row(
        "a minimum fill below nothing",
        placed(minimumFillKwh="-1"),
        200,
        "INVALID_INPUT",
        "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy. [minimumFillKwh]",
    ),
    Row(
        "a minimum fill of half a watt-hour",
        placed(minimumFillKwh="0.0005"),
        200,
        "INVALID_INPUT",
        "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy. [minimumFillKwh]",
    ),
    Row(
        "a flexible order with a minimum fill",
        placed(filling="FLEXIBLE", minimumFillKwh="0.5"),
        200,
        "INVALID_INPUT",
        "An order that is flexible in time cannot ask for a minimum fill. [minimumFillKwh]",
    ),
    Row(
        "an order that has expired",
        placed(validUntil="2026-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "The order would have expired already. [validUntil]",
    ),
    Row(
        "an order that accepts coal",
        placed(accepts="COAL"),
        400,
        "BAD_USER_INPUT",
        "Value 'COAL' does not exist in 'Acceptance' enum.",
    ),
    Row("an amendment that changes nothing", amended(), 200, "INVALID_INPUT", "Say what is to change. [id]"),
    Row(
        "an amendment to no energy",
        amended(energyKwh="0"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an amendment to less than no energy",
        amended(energyKwh="-1"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an amendment that costs more than one has",
        amended(energyKwh="1000", limitPrice="4"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "an amendment to a price of 1,000 EUR/kWh",
        amended(limitPrice="1000"),
        200,
        "INVALID_INPUT",
        "The limit price must be -4 to 4 EUR/kWh. [limitPrice]",
    ),
    Row(
        "an amendment to a minimum fill above the order",
        amended(minimumFillKwh="1.001"),
        200,
        "INVALID_INPUT",
        "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy. [minimumFillKwh]",
    ),
    Row(
        "an amendment that has expired",
        amended(validUntil="2026-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "The order would have expired already. [validUntil]",
    ),
    Row("another's order amended", amended("gus's", energyKwh="0.5"), 200, "NOT_FOUND", "There is no order"),
    Row(
        "an order amended that is filled",
        amended("bob's", energyKwh="0.5"),
        200,
        "ORDER_CLOSED",
        "The order is already closed: filled. [id]",
    ),
    Row(
        "an order amended with the key that placed it",
        done(
            "amendOrder", of("Order", "bob's that is open", idempotencyKey="to be amended", energyKwh="0.5"), "member"
        ),
        200,
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was already used with another input. [idempotencyKey]",
    ),
    Row(
        "an order amended with an empty key",
        done("amendOrder", of("Order", "bob's that is open", idempotencyKey="", energyKwh="0.5"), "member"),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an order amended by who may only read",
        amended("ada's", "partner that reads", energyKwh="0.5"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "an amendment of an order that is not there",
        done("amendOrder", {"id": f"Order:{NOBODYS}", "idempotencyKey": "hostile", "energyKwh": "1"}, "member"),
        200,
        "NOT_FOUND",
        "There is no order",
    ),
    Row(
        "an order in a market that is not there",
        placed(marketId=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "an order in a zone for a market",
        done("placeOrder", lambda id_of: {"marketId": id_of("MarketZone", "north"), **AN_ORDER}, "member"),
        200,
        "BAD_USER_INPUT",
        "marketId is not the id of a Market. [marketId]",
    ),
    Row(
        "an order by who may only read",
        placed(role="partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "an order by a meter",
        placed(role="meter gateway"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "another's order withdrawn",
        done("cancelOrder", of("Order", "gus's"), "member"),
        200,
        "NOT_FOUND",
        "There is no order",
    ),
    Row(
        "an order withdrawn that is filled",
        done("cancelOrder", of("Order", "bob's"), "member"),
        200,
        "ORDER_CLOSED",
        "The order is already closed: filled. [id]",
    ),
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
