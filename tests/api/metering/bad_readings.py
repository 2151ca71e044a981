"""Posted readings that may not be stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api.hostile.rows import METER, STRONGEST, IdOf, Row, Sent

ENTRY: dict[str, Any] = {
    "point": "POINT-ada",
    "direction": "WITHDRAWN",
    "resolutionMinutes": 15,
    "start": "2026-01-15T00:00:00+01:00",
    "values": ["0.25", "0.5"],
}


def posted(content: bytes | None = None, role: str = METER, **changes: Any) -> Callable[[IdOf], Sent]:
    """One entry of readings, or exactly these bytes."""
    entry = {name: value for name, value in (ENTRY | changes).items() if value is not None}
    sent = json.dumps({"readings": [entry]}).encode() if content is None else content
    return lambda id_of: Sent(sent, {"content-type": "application/json"}, "/v1/readings", role=role)


def entries(*changes: dict[str, Any]) -> bytes:
    return json.dumps({"readings": [ENTRY | change for change in changes]}).encode()


def register(*readings: tuple[str, Any]) -> Callable[[IdOf], Sent]:
    return posted(register=[{"at": at, "kwh": kwh} for at, kwh in readings], start=None, values=None)


SOON = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT00:00:00Z")

READINGS = (
    Row("readings by nobody", posted(role="nobody"), 401, "UNAUTHENTICATED", "Send the key of a meter gateway."),
    Row(
        "readings by a person",
        posted(role=STRONGEST),
        403,
        "FORBIDDEN",
        "Readings are posted with a METER key that has the scope readings:write.",
    ),
    Row(
        "readings by a partner",
        posted(role="partner that reads"),
        403,
        "FORBIDDEN",
        "Readings are posted with a METER key that has the scope readings:write.",
    ),
    Row("readings that are not JSON", posted(b"POINT-ada;0.25"), 400, "BAD_USER_INPUT", "The body is not JSON."),
    Row(
        "readings as a list",
        posted(b"[]"),
        400,
        "BAD_USER_INPUT",
        'The body is {"readings": [{...}, ...]} with at least one entry. [readings]',
    ),
    Row(
        "no readings",
        posted(b'{"readings": []}'),
        400,
        "BAD_USER_INPUT",
        'The body is {"readings": [{...}, ...]} with at least one entry. [readings]',
    ),
    Row(
        "100,000 nested lists of readings",
        posted(b'{"readings": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON.",
    ),
    Row(
        "readings in UTF-16",
        posted(entries({}).decode().encode("utf-16")[:-1]),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON.",
    ),
    Row(
        "readings with invalid UTF-8",
        posted(b'{"readings": [{"point": "\xff"}]}'),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON.",
    ),
    Row(
        "10,001 values",
        posted(values=[0] * 10_001),
        413,
        "PAYLOAD_TOO_LARGE",
        "At most 10000 values a call, not 10001.",
    ),
    Row(
        "3 MiB of readings",
        posted(b'{"readings": "' + b" " * 3 * 2**20 + b'"}'),
        413,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than the 2097152 bytes allowed here.",
    ),
    Row(
        "a number of 5,000 digits",
        posted(entries({}).replace(b'"0.25"', b"1" * 5_000)),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON.",
    ),
    Row(
        "a number of exponent 10^9",
        posted(entries({}).replace(b'"0.25"', b"1e1000000000")),
        422,
        "",
        "value 0: the number is too large [index 0, field values]",
    ),
    Row(
        "a number of exponent minus 10^9",
        posted(entries({}).replace(b'"0.25"', b"1e-1000000000")),
        422,
        "",
        "value 0: more than six decimals [index 0, field values]",
    ),
    Row(
        "a number of exponent beyond counting",
        posted(entries({}).replace(b'"0.25"', b"1e99999999999999999999")),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON.",
    ),
    Row(
        "a point that is not there",
        posted(point="POINT-nobody"),
        422,
        "",
        "is no metering point of this key's owner [index 0, field point]",
    ),
    Row(
        "a point of somebody else",
        posted(point="POINT-gus"),
        422,
        "",
        "is no metering point of this key's owner [index 0, field point]",
    ),
    Row(
        "a point with NUL",
        posted(point="POINT\x00ada"),
        422,
        "",
        "is no metering point of this key's owner [index 0, field point]",
    ),
    Row(
        "a point with a lone surrogate",
        posted(point="POINT\ud800"),
        422,
        "",
        "is no metering point of this key's owner [index 0, field point]",
    ),
    Row(
        "a point that is a list",
        posted(point=["POINT-ada"]),
        422,
        "",
        "is no metering point of this key's owner [index 0, field point]",
    ),
    Row(
        "a direction that is not there",
        posted(direction="SIDEWAYS"),
        422,
        "",
        "is one of INJECTED, WITHDRAWN [index 0, field direction]",
    ),
    Row(
        "intervals of 7 minutes",
        posted(resolutionMinutes=7),
        422,
        "",
        "is 15, 30 or 60 [index 0, field resolutionMinutes]",
    ),
    Row(
        "intervals of true minutes",
        posted(resolutionMinutes=True),
        422,
        "",
        "is 15, 30 or 60 [index 0, field resolutionMinutes]",
    ),
    Row(
        "a quality that is not there",
        posted(quality="GUESSED"),
        422,
        "",
        "is one of MEASURED, ESTIMATED, SUBSTITUTED, SIMULATED [index 0, field quality]",
    ),
    Row(
        "negative energy of a meter",
        posted(values=["-0.25"]),
        422,
        "",
        "energy is never negative; withdrawn and injected are kept apart [index 0, field values]",
    ),
    Row(
        "energy of NaN",
        posted(values=["NaN"]),
        422,
        "",
        "value 0: 'NaN' is not a decimal number [index 0, field values]",
    ),
    Row(
        "energy of seven decimals",
        posted(values=["0.0000001"]),
        422,
        "",
        "value 0: more than six decimals [index 0, field values]",
    ),
    Row(
        "energy of 9 TWh",
        posted(values=["9000000000000"]),
        422,
        "",
        "a value is above 1000000 kWh [index 0, field values]",
    ),
    Row(
        "energy that is null",
        posted(values=["0.25", None]),
        422,
        "",
        'value 1 is no number or text such as "0.25" [index 0, field values]',
    ),
    Row(
        "a start without offset",
        posted(start="2026-01-15T00:00:00"),
        422,
        "",
        "an instant is RFC 3339 text with an offset, such as 2026-01-15T00:00:00Z [index 0, field start]",
    ),
    Row(
        "a start in an hour that is not there",
        posted(start="2026-03-29T02:60:00+01:00"),
        422,
        "",
        "an instant is RFC 3339 text with an offset, such as 2026-01-15T00:00:00Z [index 0, field start]",
    ),
    Row(
        "a start off the grid",
        posted(start="2026-01-15T00:07:00+01:00"),
        422,
        "",
        "is no boundary of 15 minutes [index 0, field start]",
    ),
    Row(
        "a start in the year 1",
        posted(start="0001-01-01T00:00:00+12:00"),
        422,
        "",
        "lies before 2000-01-01 or in the future [index 0, field start]",
    ),
    Row(
        "counter readings as values",
        posted(values=[f"{8000 + quarter / 8}" for quarter in range(8)]),
        422,
        "",
        "only grow, as a counter does: post its readings as register [index 0, field values]",
    ),
    Row(
        "a start at the end of time",
        posted(start="9999-12-31T23:59:59Z"),
        422,
        "",
        "lies before 2000-01-01 or in the future [index 0, field start]",
    ),
    Row("a start in the future", posted(start=SOON), 422, "", "reach into the future [index 0, field values]"),
    Row(
        "an interval twice with two values",
        posted(entries({}, {"values": ["0.3"]})),
        422,
        "",
        "an interval of 2026-01-15 stands twice [index 1, field values]",
    ),
    Row(
        "one day in two resolutions",
        posted(entries({}, {"resolutionMinutes": 60, "start": "2026-01-15T05:00:00+01:00"})),
        422,
        "",
        "2026-01-15 stands twice, in two resolutions or qualities [index 1, field start]",
    ),
    Row(
        "values and a register",
        posted(register=[]),
        422,
        "",
        "give start and values, or register [index 0, field values]",
    ),
    Row(
        "a register of one reading",
        register(("2026-01-15T00:00:00Z", "1")),
        422,
        "",
        "needs at least two readings [index 0, field register]",
    ),
    Row(
        "a register that runs backwards",
        register(("2026-01-15T00:00:00Z", "2"), ("2026-01-15T00:15:00Z", "1")),
        422,
        "",
        "reading 1 is lower than the one before [index 0, field register]",
    ),
    Row(
        "a register with a hole",
        register(("2026-01-15T00:00:00Z", "1"), ("2026-01-15T01:00:00Z", "2")),
        422,
        "",
        "reading 1 is not 15 minutes after the one before [index 0, field register]",
    ),
)
