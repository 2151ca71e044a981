"""Orders that may not be placed, amended or withdrawn."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.orders import placing
from tests.api.authorization.world import World
from tests.api.hostile.rows import NOBODYS, Row, Section, done, of, period
from tests.api.market.orders.bad_amendments import AMENDED
from tests.api.market.orders.requests import AN_ORDER, at, placed
from tests.factories.market import a_proposal, now

PLACED = (
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
)

ORDERS = (
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
)

SECTIONS = (Section("Markets", (*PLACED, *AMENDED, *ORDERS), place=90),)


async def set_scene(session: AsyncSession, world: World) -> None:
    """Bob has used a key, and has an order that waits."""
    bob = Viewer(user_id=world.rows["User"]["bob"])
    north_id, at = world.rows["Market"]["north"], now()
    await placing.place(session, bob, "used before", a_proposal(north_id), now=at)
    waiting = await placing.place(session, bob, "to be amended", a_proposal(north_id, price="0.01"), now=at)
    world.keep("Order", "bob's that is open", waiting)
