"""How values are written: one grammar for each kind, whichever way they come in.

Digits are ASCII, nothing stands around them, and no value has a second spelling that only one route would take. A route
that receives text, GraphQL, REST, CSV or XLSX, reads it here, or by the same pattern.
"""

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

YEARS = range(2, 9999)  # A local day and the next one exist in every zone.

DIGITS = re.compile(r"[0-9]+")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME_OF_DAY = re.compile(r"[0-9]{2}:[0-9]{2}")
OFFSET = re.compile(r"[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]")
INSTANT = re.compile(rf"{DAY.pattern}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?(?:[Zz]|{OFFSET.pattern})")


class Malformed(ValueError):
    """The text is not of its kind; the message says of which form it is to be."""


class OutOfRange(Malformed):
    """The text is of its kind, and means a year that no calendar here holds."""


def decimal_pattern(mark: str = ".") -> re.Pattern[str]:
    """A decimal number with this decimal mark: a sign, digits, perhaps a mark and decimals; no exponent, no blanks."""
    return re.compile(_decimal(mark))


def number_pattern(mark: str = ".") -> re.Pattern[str]:
    """A decimal number that may have an exponent: programs write files in which 0.000001 is 1e-06."""
    return re.compile(rf"{_decimal(mark)}(?:[eE][+-]?[0-9]{{1,3}})?")


def _decimal(mark: str) -> str:
    return rf"[+-]?(?:[0-9]+(?:{re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+)"


def instant_of(text: Any) -> datetime:
    """An RFC 3339 date-time in UTC; what is finer than a microsecond is cut off. Raises Malformed.

    A leap second is refused, since no clock here has one.
    """
    if not isinstance(text, str) or not INSTANT.fullmatch(text):
        raise Malformed('an instant is RFC 3339 text with an offset, such as "2026-01-31T12:00:00Z"')
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Malformed("there is no such instant") from error
    _check_year(instant.year)
    return instant.astimezone(UTC)


def day_of(text: Any) -> date:
    """An RFC 3339 full-date. Raises Malformed."""
    if not isinstance(text, str) or not DAY.fullmatch(text):
        raise Malformed('a date is text such as "2026-01-31"')
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("there is no such day") from error
    _check_year(day.year)
    return day


def time_of_day_of(text: Any) -> time:
    """Hour and minute of a clock, from 00:00 to 23:59. Raises Malformed."""
    if not isinstance(text, str) or not TIME_OF_DAY.fullmatch(text) or text >= "24" or text[3:] >= "60":
        raise Malformed("a time of day is text such as 22:00")
    return time.fromisoformat(text)


def offset_minutes_of(text: str) -> int | None:
    """Minutes east of UTC in an offset such as +01:00; None where it is none."""
    if not OFFSET.fullmatch(text):
        return None
    minutes = int(text[1:3]) * 60 + int(text[4:])
    return -minutes if text.startswith("-") else minutes


def whole_number_of(text: str, most: int) -> int:
    """A whole number of digits only. Raises Malformed."""
    if not DIGITS.fullmatch(text) or len(text) > len(str(most)) or int(text) > most:
        raise Malformed(f"a whole number of digits, at most {most}")
    return int(text)


def exact_json(text: bytes | str) -> Any:
    """A JSON document in which no number has lost a digit: what is not whole is a `Decimal`. Raises Malformed.

    A number of JSON is written by JSON's own grammar, which has exponents: programs write 0.00001 as 1e-05.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Malformed("it is not JSON") from error


def _check_year(year: int) -> None:
    if year not in YEARS:
        raise OutOfRange(f"its year is {YEARS.start} to {YEARS.stop - 1}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
