"""Frames that break the socket protocol."""

from tests.api.hostile.rows import Row, framed, subscribed

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
)
