"""Frames that break the socket protocol, and subscriptions that may not be."""

import base64
from typing import Any

import orjson

from tests.api.hostile.rows import IdOf, Row, framed


def subscribed(query: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "type": "subscribe", "payload": {"query": query, **more}}


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


FRAMES = (
    Row("a frame that is not JSON", framed("hello"), 4400, "", "WebSocket message must be valid JSON"),
    Row("a frame of bytes", framed(b"\x00\x01"), 4400, "", "WebSocket message type must be text"),
    Row("a frame that is null", framed("null"), 4400, "", "A message must be an object"),
    Row("a frame that is a list", framed([]), 4400, "", "A message must be an object"),
    Row("a frame without type", framed({"id": "1"}), 4400, "", "A message must have a type"),
    Row("a frame of an unknown type", framed({"type": "explode"}), 4400, "", "Unknown message type: explode"),
    Row(
        "a payload that is text",
        framed({"id": "1", "type": "subscribe", "payload": "x"}),
        4400,
        "",
        "The payload of subscribe must be an object",
    ),
    Row(
        "a subscription without query",
        framed({"id": "1", "type": "subscribe", "payload": {}}),
        4400,
        "",
        "subscribe must have a payload with a query",
    ),
    Row(
        "a subscription without id",
        framed({"type": "subscribe", "payload": {"query": "{ __typename }"}}),
        4400,
        "",
        "subscribe must have an id",
    ),
    Row("a second greeting", framed({"type": "connection_init"}), 4429, "", "Too many initialisation requests"),
    Row(
        "a frame of 70 KiB",
        framed({"type": "ping", "payload": {"x": "y" * 70_000}}),
        1009,
        "",
        "Frames hold at most 65536 bytes",
    ),
    Row(
        "a syntax error on a socket",
        framed(subscribed("subscription {")),
        200,
        "GRAPHQL_PARSE_FAILED",
        "Syntax Error: Expected Name, found <EOF>.",
    ),
    Row(
        "a job that is not there",
        framed(subscribed('subscription { jobProgress(id: "Job:01890000-0000-7000-8000-000000000000") { id } }')),
        200,
        "BAD_USER_INPUT",
        "There is no such job. [id]",
    ),
    Row(
        "the id of a market for a job",
        framed(lambda id_of: subscribed(f'subscription {{ jobProgress(id: "{id_of("Market", "north")}") {{ id }} }}')),
        200,
        "BAD_USER_INPUT",
        "id is not the id of a Job. [id]",
    ),
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
