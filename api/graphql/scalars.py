"""Scalars: exact decimals, instants and durations. GeoJSON scalars are in `api.geography.geojson`.

The Python value of a `Decimal` is an integer of micro-units: attributes keep their unit (`energy_ukwh`), and only the
text a client sees is in kWh, EUR or EUR/kWh.
"""

from datetime import UTC, date, datetime
from typing import Any, NewType
from uuid import UUID

import strawberry

from api.engine.declarations import parse_id
from api.transport.terms.errors import BadUserInput
from domain.kernel.grammars import Malformed, OutOfRange, day_of, instant_of
from domain.kernel.quantities import NotAQuantity, format_micro, parse_micro


def _parse_decimal(value: Any) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadUserInput('A Decimal is a string such as "1.25".')
    try:
        return parse_micro(value)
    except NotAQuantity as error:
        raise BadUserInput(f"Not a Decimal: {error}.") from error


def _parse_datetime(value: Any) -> datetime:
    try:
        return instant_of(value)
    except OutOfRange as error:
        raise BadUserInput(f"The DateTime is out of range: {error}.") from error
    except Malformed as error:
        raise BadUserInput('A DateTime is RFC 3339 text such as "2026-01-31T12:00:00Z", with an offset.') from error


def _parse_date(value: Any) -> date:
    try:
        return day_of(value)
    except OutOfRange as error:
        raise BadUserInput(f"The Date is out of range: {error}.") from error
    except Malformed as error:
        raise BadUserInput('A Date is text such as "2026-01-31".') from error


def _format_datetime(value: datetime) -> str:
    """RFC 3339 in UTC, fractions without trailing zeros, as the database writes them."""
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if value.microsecond else text) + "Z"


RFC3339 = "https://www.rfc-editor.org/rfc/rfc3339"

Micro = NewType("Micro", int)
DateTime = NewType("DateTime", datetime)
Date = NewType("Date", date)

SCALARS: dict[Any, Any] = {
    Micro: strawberry.scalar(
        name="Decimal",
        description=(
            "An exact decimal as a string: ASCII digits, at most six decimals, no exponent; the field says the unit."
        ),
        specified_by_url="https://en.wikipedia.org/wiki/Decimal_data_type",
        serialize=format_micro,
        parse_value=_parse_decimal,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant with an offset, an RFC 3339 date-time to the second or finer; answers are in UTC.",
        specified_by_url=RFC3339,
        serialize=_format_datetime,
        parse_value=_parse_datetime,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="A calendar day, RFC 3339 full-date; a local day of the thing it belongs to.",
        specified_by_url=RFC3339,
        serialize=date.isoformat,
        parse_value=_parse_date,
    ),
}


def key_of(id: strawberry.ID, type_name: str, argument: str) -> UUID:
    """The key in an id of the named type. Raises BadUserInput naming the argument."""
    parsed = parse_id(id)
    if parsed is None or parsed[0] != type_name:
        raise BadUserInput(f"{argument} is not the id of a {type_name}.", argument=argument)
    return parsed[1]
