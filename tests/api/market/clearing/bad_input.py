"""Prices, books and streams of them that may not be asked for."""

import base64
from typing import Any

import orjson

from tests.api.hostile.rows import AGES, JANUARY, IdOf, Row, Section, asked, framed, of, subscribed

PRICES = """
query P($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on Market {
prices(period: $period, resolution: $resolution) { start } } } }
"""
BOOK = """
query O($id: ID!, $at: DateTime!, $depth: Int!) {
node(id: $id) {
... on Market {
orderBook(deliveryStart: $at, depth: $depth) { deliveryStart } } } }
"""
HOUR = {"resolution": "HOUR"}


def of_market(field: str, after: str) -> Any:
    """A subscription to the market from a cursor."""
    return lambda id_of: subscribed(
        f'subscription {{ {field}(marketId: "{id_of("Market", "north")}", after: "{after}") {{ cursor }} }}'
    )


def a_number(number: Any) -> Any:
    """A forged cursor of the market's trades."""

    def made(id_of: IdOf) -> dict[str, Any]:
        stream = f"market:{id_of('Market', 'north').partition(':')[2]}:trades"
        cursor = base64.urlsafe_b64encode(orjson.dumps([stream, number])).decode().rstrip("=")
        return of_market("trades", cursor)(id_of)  # type: ignore[no-any-return]

    return made


def a_book(at: str, depth: int) -> Any:
    """A subscription to the book of one delivery."""
    more = f'deliveryStart: "{at}", depth: {depth}'
    return lambda id_of: subscribed(
        f'subscription {{ orderBook(marketId: "{id_of("Market", "north")}", {more}) {{ deliveryStart }} }}'
    )


PRICES_AND_BOOKS = (
    Row(
        "prices by the month",
        asked(PRICES, of("Market", "north", period=JANUARY, resolution="MONTH")),
        200,
        "BAD_USER_INPUT",
        "Prices of this market come in intervals of 15 to 60 minutes. [resolution]",
    ),
    Row(
        "prices of ten thousand years",
        asked(PRICES, of("Market", "north", period=AGES, **HOUR)),
        200,
        "BAD_USER_INPUT",
        "At most 10000 intervals at a time. [period]",
    ),
    Row(
        "a book of depth 101",
        asked(BOOK, of("Market", "north", at="2026-01-01T00:00:00Z", depth=101)),
        200,
        "BAD_USER_INPUT",
        "depth must be between 1 and 100. [depth]",
    ),
)

STREAMS = (
    Row(
        "an event cursor that is none",
        framed(of_market("trades", "%%%")),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this stream. [after]",
    ),
    Row(
        "an event cursor of another stream",
        framed(of_market("priceTicks", "WyJ4IiwxXQ")),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another stream. [after]",
    ),
    Row(
        "an event cursor below zero",
        framed(a_number(-1)),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another stream. [after]",
    ),
    Row(
        "an event cursor above 64 bits",
        framed(a_number(2**64 - 1)),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another stream. [after]",
    ),
    Row(
        "an event cursor that is true",
        framed(a_number(True)),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another stream. [after]",
    ),
    Row(
        "a book of depth zero",
        framed(a_book("2026-01-01T00:00:00Z", depth=0)),
        200,
        "BAD_USER_INPUT",
        "depth must be between 1 and 100. [depth]",
    ),
)

SECTIONS = (
    Section("Queries", PRICES_AND_BOOKS, place=25),
    Section("Sockets", STREAMS, place=182),
)
