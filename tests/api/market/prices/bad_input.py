"""Price models, tariffs of the grid and price alerts that may not be."""

from typing import Any

from tests.api.hostile.rows import NOBODYS, Row, Section, asked, done, of


def model(**changes: Any) -> Any:
    return done(
        "setPriceModel", lambda id_of: {"marketId": id_of("Market", "north"), "midMarketRateWeight": "1"} | changes
    )


def tariff(role: str = "grid operator", zone: str = "north", **changes: Any) -> Any:
    given = {"direction": "IMPORT", "price": "0.3"} | changes
    return done("setGridTariff", lambda id_of: {"zoneId": id_of("MarketZone", zone)} | given, role)


def alert(**changes: Any) -> Any:
    given = {"threshold": "0.1", "direction": "BELOW"}
    return done("createPriceAlert", lambda id_of: {"marketId": id_of("Market", "north")} | given | changes, "member")


def tier(**changes: Any) -> dict[str, Any]:
    return {"name": "peak", "value": "0.01"} | changes


PRICES = (
    Row(
        "a price model whose weights are less than the whole",
        model(midMarketRateWeight="0.999999"),
        200,
        "INVALID_INPUT",
        "The weights of the three rates must add up to 1. [supplyDemandRatioWeight]",
    ),
    Row(
        "a price model with a negative weight",
        model(midMarketRateWeight="2", crossingValueWeight="-1"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 1. [midMarketRateWeight]",
    ),
    Row(
        "a price model of 9 trillion parts",
        model(compensation="9000000000000"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 1. [compensation]",
    ),
    Row(
        "a price model for which congestion never counts",
        model(congestionFrom="1"),
        200,
        "INVALID_INPUT",
        "It must be 0 to 0.999999. [congestionFrom]",
    ),
    Row(
        "a price model in the time of a path",
        model(timezone="../../etc/passwd"),
        200,
        "INVALID_INPUT",
        "It must be a name of the time zone database",
    ),
    Row(
        "a price model since last year",
        model(validFrom="2025-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "what was is not changed. [validFrom]",
    ),
    Row(
        "a price model of a market that is not there",
        model(marketId=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "a price model by who operates no zone",
        done(
            "setPriceModel",
            lambda id_of: {"marketId": id_of("Market", "north"), "midMarketRateWeight": "1"},
            "member",
        ),
        200,
        "FORBIDDEN",
        "You may not set the price model of this market.",
    ),
    Row(
        "a tier in a thirteenth month",
        model(tiers=[tier(lastMonth=13)]),
        200,
        "INVALID_INPUT",
        "A month is 1 to 12. [tiers.0.lastMonth]",
    ),
    Row(
        "a tier of no length",
        model(tiers=[tier(), tier(fromMinute=60, toMinute=60)]),
        200,
        "INVALID_INPUT",
        "A tier ends at another minute, 1 to 1440, of the local day. [tiers.1.toMinute]",
    ),
    Row(
        "a tier on no day",
        model(tiers=[tier(days=[])]),
        200,
        "INVALID_INPUT",
        "A tier holds on one kind of day or more, each named once. [tiers.0.days]",
    ),
    Row(
        "a tier with NUL in its name",
        model(tiers=[tier(name="a\x00")]),
        200,
        "INVALID_INPUT",
        "A name has 1 to 60 characters, none of them NUL. [tiers.0.name]",
    ),
    Row("25 tiers", model(tiers=[tier()] * 25), 200, "INVALID_INPUT", "At most 24 tiers. [tiers]"),
    Row(
        "201 holidays",
        model(holidays=[f"2{n:03}-01-01" for n in range(201)]),
        200,
        "INVALID_INPUT",
        "At most 200 holidays. [holidays]",
    ),
    Row(
        "a tariff of 5 EUR a kWh",
        tariff(price="5"),
        200,
        "INVALID_INPUT",
        "It must be -4 to 4 EUR/kWh. [price]",
    ),
    Row(
        "a tariff of another's zone",
        tariff(zone="south"),
        200,
        "FORBIDDEN",
        "You may not set the grid's tariffs of this zone.",
    ),
    Row(
        "a tariff of a zone that is not there",
        tariff("platform administrator", zoneId=f"MarketZone:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market zone",
    ),
    Row(
        "an alert of a price that cannot be",
        alert(threshold="-4.0001"),
        200,
        "INVALID_INPUT",
        "It must be -4 to 4 EUR/kWh. [threshold]",
    ),
    Row(
        "an alert without end",
        alert(coolDownMinutes=-1),
        200,
        "INVALID_INPUT",
        "It must be 1 to 10080 minutes. [coolDownMinutes]",
    ),
    Row(
        "an alert in a market that is not there",
        alert(marketId=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "another's alert forgotten",
        done("removePriceAlert", of("PriceAlert", "ada's"), "member"),
        200,
        "NOT_FOUND",
        "There is no price alert",
    ),
    Row(
        "an alert changed that someone changed before",
        done(
            "updatePriceAlert",
            of("PriceAlert", "bob's", expectedVersion=9, threshold="0.1", direction="ABOVE"),
            "member",
        ),
        200,
        "STALE_VERSION",
        "You changed version 9, but the current version is 1. [expectedVersion]",
    ),
    Row(
        "model prices of 17 intervals",
        asked("{ markets { edges { node { modelPrices(intervals: 17) { price } } } } }"),
        200,
        "BAD_USER_INPUT",
        "intervals must be 1 to 16. [intervals]",
    ),
)

SECTIONS = (Section("Prices", PRICES, place=140),)
