"""Trading rules that may not be."""

from typing import Any

from tests.api.hostile.rows import NOBODYS, Row, Section, done, of, period


def drafted(kind: str = "SELL_SURPLUS_ABOVE", role: str = "member", market: str = "", **terms: Any) -> Any:
    given = {"name": "x", "timezone": "Europe/Rome"} | ({"price": "0.1"} | terms)
    return done(
        "createTradingRule",
        lambda id_of: {"marketId": market or id_of("Market", "north"), "kind": kind, "terms": given},
        role,
    )


def changed(name: str, row: str = "bob's", version: int = 1, **more: Any) -> Any:
    return done(f"{name}TradingRule", of("TradingRule", row, expectedVersion=version, **more), "member")


def simulated(**more: Any) -> Any:
    return done("simulateTradingRule", of("TradingRule", "bob's", **more), "member")


RULES = (
    Row(
        "a rule without a price",
        drafted(price=None),
        200,
        "INVALID_INPUT",
        "A rule that trades has a price. [terms.price]",
    ),
    Row(
        "a rule at 1,000 EUR/kWh",
        drafted(price="1000"),
        200,
        "INVALID_INPUT",
        "The price must be -4 to 4 EUR/kWh. [terms.price]",
    ),
    Row(
        "a rule at a price between ticks",
        drafted(price="0.10001"),
        200,
        "INVALID_INPUT",
        "The price must be a multiple of 0.0001 EUR/kWh. [terms.price]",
    ),
    Row(
        "a rule that sells nothing a day",
        drafted(dailyMaxKwh="0"),
        200,
        "INVALID_INPUT",
        "It must be 0.001 to 100000 kWh, whole watt-hours. [terms.dailyMaxKwh]",
    ),
    Row(
        "a rule that sells less than nothing a day",
        drafted(dailyMaxKwh="-1"),
        200,
        "INVALID_INPUT",
        "It must be 0.001 to 100000 kWh, whole watt-hours. [terms.dailyMaxKwh]",
    ),
    Row(
        "a rule at no hour",
        drafted(hours=[]),
        200,
        "INVALID_INPUT",
        "Hours are 0 to 23, at least one of them. [terms.hours]",
    ),
    Row(
        "a rule at hour 24",
        drafted(hours=[24]),
        200,
        "INVALID_INPUT",
        "Hours are 0 to 23, at least one of them. [terms.hours]",
    ),
    Row(
        "a rule on no day",
        drafted(weekdays=[]),
        200,
        "INVALID_INPUT",
        "A rule acts on at least one day of the week. [terms.weekdays]",
    ),
    Row(
        "a rule by the clocks of Mars",
        drafted(timezone="Mars/Olympus"),
        200,
        "INVALID_INPUT",
        'It must be a name of the time zone database, such as "Europe/Rome". [terms.timezone]',
    ),
    Row(
        "a rule with NUL in its name",
        drafted(name="a\x00"),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them NUL. [terms.name]",
    ),
    Row(
        "a rule that looks a year ahead",
        drafted(lookaheadHours=8760),
        200,
        "INVALID_INPUT",
        "A rule looks 1 to 168 hours ahead. [terms.lookaheadHours]",
    ),
    Row(
        "a reserve of 200 % of the storage",
        drafted("KEEP_BATTERY_RESERVE", price=None, reserveShare="2"),
        200,
        "INVALID_INPUT",
        "A share is above 0 and up to 1. [terms.reserveShare]",
    ),
    Row(
        "a reserve of both kinds",
        drafted("KEEP_BATTERY_RESERVE", price=None, reserveShare="0.5", reserveKwh="1"),
        200,
        "INVALID_INPUT",
        "A reserve is an energy or a share of the storage, one of them. [terms.reserveKwh]",
    ),
    Row(
        "a rule that buys solar energy it has",
        drafted("BUY_BELOW", source="SOLAR"),
        200,
        "INVALID_INPUT",
        "Only a rule that sells says where its energy comes from. [terms.source]",
    ),
    Row(
        "a rule in a market that is not there",
        drafted(market=f"Market:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "a rule by who may only read",
        drafted(role="partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row("another's rule activated", changed("activate", "gus's"), 200, "NOT_FOUND", "There is no trading rule"),
    Row(
        "a rule activated that someone changed before",
        changed("activate", version=9),
        200,
        "STALE_VERSION",
        "You changed version 9, but the current version is 1. [expectedVersion]",
    ),
    Row(
        "a draft paused",
        changed("pause"),
        200,
        "TRADING_RULE_STATUS",
        "The rule is draft and cannot be made paused. [id]",
    ),
    Row(
        "a simulation of days to come",
        simulated(period=period("2096-03-01T00:00:00+01:00", "2096-03-02T00:00:00+01:00")),
        200,
        "INVALID_INPUT",
        "The period ends before today. [period]",
    ),
    Row(
        "a simulation of half a day",
        simulated(period=period("2026-03-01T00:00:00+01:00", "2026-03-01T12:00:00+01:00")),
        200,
        "INVALID_INPUT",
        "The period is not made of whole local days of Europe/Luxembourg. [period]",
    ),
    Row(
        "a simulation of a year",
        simulated(period=period("2025-03-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00")),
        200,
        "INVALID_INPUT",
        "The period is longer than 92 days. [period]",
    ),
    Row(
        "a simulation beside a grid at 9 million EUR/kWh",
        simulated(period=period("2026-03-01T00:00:00+01:00", "2026-03-02T00:00:00+01:00"), gridImportPrice="9000000"),
        200,
        "INVALID_INPUT",
        "The price must be -4 to 4 EUR/kWh. [gridImportPrice]",
    ),
)

SECTIONS = (Section("Trading rules, statistics and exports", RULES, place=150),)
