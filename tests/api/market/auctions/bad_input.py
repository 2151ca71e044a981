"""Auctions and bids that may not be."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.kernel.quantities import parse_micro
from domain.market.auctions import auctions
from domain.market.auctions.auctions import Descent
from tests.api.authorization.world import World
from tests.api.hostile.rows import NOBODYS, Row, Section, done, framed, of, subscribed
from tests.api.market.orders.requests import at
from tests.factories.market import a_delivery, now

SELLER = "unlisted member"  # Gus.
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
DESCENT = {"startPrice": "0.3", "floorPrice": "0.1", "step": "0.05", "stepSeconds": 60}


def opened(role: str = "member", market: str = "north", **changes: Any) -> Any:
    given = {"idempotencyKey": "hostile", "energyKwh": "1", "delivery": at(6), **DESCENT}
    return done("openAuction", lambda id_of: {"marketId": id_of("Market", market), **given, **changes}, role)


def bid(auction: str = "open", role: str = "member", **changes: Any) -> Any:
    given = {"idempotencyKey": "hostile", "energyKwh": "0.5", "limitPrice": "1"}
    return done("bidInAuction", lambda id_of: {"auctionId": id_of("DutchAuction", auction), **given, **changes}, role)


def ticks_of(auction: str, after: str = "") -> Any:
    return lambda id_of: subscribed(
        f'subscription {{ auctionTicks(auctionId: "{auction or id_of("DutchAuction", "open")}", after: "{after}") '
        "{ price } }"
    )


AUCTIONS = (
    Row(
        "an auction of nothing",
        opened(energyKwh="0"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an auction of less than nothing",
        opened(energyKwh="-1"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an auction of 9 TWh",
        opened(energyKwh="9000000000000"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an auction that starts at 1,000 EUR/kWh",
        opened(startPrice="1000"),
        200,
        "INVALID_INPUT",
        "It must be -4 to 4 EUR/kWh in steps of 0.0001. [startPrice]",
    ),
    Row(
        "an auction whose floor is above its start",
        opened(floorPrice="0.4"),
        200,
        "INVALID_INPUT",
        "The floor lies above the start price. [floorPrice]",
    ),
    Row(
        "an auction whose price stands still",
        opened(step="0"),
        200,
        "INVALID_INPUT",
        "A step is more than nothing. [step]",
    ),
    Row(
        "an auction whose price climbs",
        opened(step="-0.05"),
        200,
        "INVALID_INPUT",
        "A step is more than nothing. [step]",
    ),
    Row(
        "an auction that steps between ticks",
        opened(step="0.00001"),
        200,
        "INVALID_INPUT",
        "It must be -4 to 4 EUR/kWh in steps of 0.0001. [step]",
    ),
    Row(
        "an auction that steps at once",
        opened(stepSeconds=0),
        200,
        "INVALID_INPUT",
        "A step takes 1 to 3600 seconds. [stepSeconds]",
    ),
    Row(
        "an auction of ten thousand steps and more",
        opened(startPrice="4", floorPrice="-4", step="0.0001", stepSeconds=1),
        200,
        "INVALID_INPUT",
        "The clock would take more than 10000 steps. [step]",
    ),
    Row(
        "an auction that opened yesterday",
        opened(opensAt=(SOON - timedelta(days=1)).isoformat()),
        200,
        "INVALID_INPUT",
        "An auction opens now or later. [opensAt]",
    ),
    Row(
        "an auction that runs into its delivery",
        opened(stepSeconds=3600, delivery=at(2)),
        200,
        "INVALID_INPUT",
        "The clock runs until",
    ),
    Row(
        "an auction of energy for next year",
        opened(delivery=at(24 * 365)),
        200,
        "MARKET_CLOSED",
        "The market now trades deliveries that end by",
    ),
    Row(
        "an auction that holds more than its seller has",
        opened(floorPrice="-4", startPrice="-3.9", energyKwh="1000"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "an auction beyond what one's plants inject",
        opened(market="east", energyKwh="1000"),
        200,
        "CAPACITY_EXCEEDED",
        "Your plants cannot inject this beside what you have offered or sold for the same time. [energyKwh]",
    ),
    Row(
        "an auction in a zone that is halted",
        opened(market="south"),
        200,
        "MARKET_HALTED",
        "Trading in this zone is halted: test [marketId]",
    ),
    Row(
        "an auction with an empty key",
        opened(idempotencyKey=""),
        200,
        "INVALID_INPUT",
        "A key has 1 to 180 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an auction with a key of 201 characters",
        opened(idempotencyKey="k" * 201),
        200,
        "INVALID_INPUT",
        "A key has 1 to 180 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an auction with the key of another",
        opened(SELLER, idempotencyKey="open"),
        200,
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was already used with another input. [idempotencyKey]",
    ),
    Row(
        "an auction in a market that is not there",
        opened(marketId=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "an auction by who may only read",
        opened("partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "another's auction taken back",
        done("cancelAuction", of("DutchAuction", "open"), "member"),
        200,
        "FORBIDDEN",
        "You may not cancel another's auction.",
    ),
    Row(
        "an auction taken back that has ended",
        done("cancelAuction", of("DutchAuction", "of gus"), SELLER),
        200,
        "AUCTION_CLOSED",
        "The auction takes no bids: ended. [id]",
    ),
    Row(
        "a bid of nothing",
        bid(energyKwh="0"),
        200,
        "INVALID_INPUT",
        "A bid takes a multiple of 0.001 kWh, more than nothing. [energyKwh]",
    ),
    Row(
        "a bid of less than nothing",
        bid(energyKwh="-0.5"),
        200,
        "INVALID_INPUT",
        "A bid takes a multiple of 0.001 kWh, more than nothing. [energyKwh]",
    ),
    Row(
        "a bid of half a watt-hour",
        bid(energyKwh="0.0005"),
        200,
        "INVALID_INPUT",
        "A bid takes a multiple of 0.001 kWh, more than nothing. [energyKwh]",
    ),
    Row(
        "a bid for more than is left",
        bid(energyKwh="1.001"),
        200,
        "TOO_LITTLE_LEFT",
        "Less is left in the auction than you bid for. [energyKwh]",
    ),
    Row(
        "a bid below the clock",
        bid(limitPrice="0.2"),
        200,
        "PRICE_ABOVE_LIMIT",
        "The clock still stands above your limit. [limitPrice]",
    ),
    Row("a bid in one's own auction", bid(role=SELLER), 200, "FORBIDDEN", "You may not bid in your own auction."),
    Row(
        "a bid before the clock starts",
        bid("scheduled"),
        200,
        "AUCTION_CLOSED",
        "The auction takes no bids: scheduled. [auctionId]",
    ),
    Row(
        "a bid when the clock has run out",
        bid("of gus"),
        200,
        "AUCTION_CLOSED",
        "The auction takes no bids: ended. [auctionId]",
    ),
    Row(
        "a bid in an auction that is not there",
        bid(auctionId=f"DutchAuction:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no auction",
    ),
    Row(
        "a bid in a market for an auction",
        done(
            "bidInAuction",
            lambda id_of: {
                "idempotencyKey": "hostile",
                "energyKwh": "1",
                "limitPrice": "1",
                "auctionId": id_of("Market", "north"),
            },
            "member",
        ),
        200,
        "BAD_USER_INPUT",
        "auctionId is not the id of a DutchAuction. [auctionId]",
    ),
    Row(
        "a bid without money",
        bid(role="outsider"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "a bid with an empty key",
        bid(idempotencyKey=""),
        200,
        "INVALID_INPUT",
        "A key has 1 to 180 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "a bid with a key of 181 characters",
        bid(idempotencyKey="k" * 181),
        200,
        "INVALID_INPUT",
        "A key has 1 to 180 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "a bid with NUL in its key",
        bid(idempotencyKey="a\x00"),
        200,
        "INVALID_INPUT",
        "A key has 1 to 180 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "a bid by a meter",
        bid(role="meter gateway"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "ticks of an auction that is not there",
        framed(ticks_of(f"DutchAuction:{NOBODYS}")),
        200,
        "BAD_USER_INPUT",
        "There is no such auction. [auctionId]",
    ),
    Row(
        "ticks of an auction from a forged cursor",
        framed(ticks_of("", after="WyJ4IiwxXQ")),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another stream. [after]",
    ),
)

SECTIONS = (Section("Auctions, charges and statements", AUCTIONS, place=100),)


async def set_scene(session: AsyncSession, world: World) -> None:
    """Gus offers 1 kWh now, and another one an hour from now."""
    north_id, gus = world.rows["Market"]["north"], Viewer(user_id=world.rows["User"]["gus"])
    for name, opens_at in (("open", now()), ("scheduled", now() + timedelta(hours=1))):
        descent = Descent(parse_micro("0.3"), parse_micro("0.1"), parse_micro("0.1"), 3600)
        energy, delivery = parse_micro("1"), a_delivery(80)
        auction_id = await auctions.open_auction(
            session, gus, name, north_id, energy, delivery, descent, opens_at=opens_at.replace(microsecond=0), now=now()
        )
        world.keep("DutchAuction", name, auction_id)
