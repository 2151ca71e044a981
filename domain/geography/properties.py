"""What a feature's properties say of an area.

Decision, 2026-11-20: which property holds what is always said, never guessed: `Fields(code="istat_code", ...)`. A code
that is a number is refused, because its leading zeros are lost.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel.errors import DomainError
from domain.kernel.grammars import DIGITS

CODE_LENGTH_MAX = 64
NAME_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a feature keeps what: the name of a property, or `=value` for one value in the whole file.

    Alternatives are parted by `|`, and the first that is there and not null counts: "name|code".
    Fields("istat_code", "name", "=IT", "population_2011", "=2011"); the country is ISO 3166-1 alpha-2.
    """

    code: str
    name: str
    country: str
    population: str | None = None
    population_year: str | None = None


class Unfit(DomainError):
    """A property does not hold what it should."""


def value_of(properties: Mapping[str, Any], source: str) -> Any:
    """What a source of `Fields` names in a feature; None only where all its properties are null."""
    if source.startswith("="):
        return source[1:]
    names = source.split("|")
    if properties.keys().isdisjoint(names):
        raise Unfit(f"property {source!r} is missing")
    return next((properties[name] for name in names if properties.get(name) is not None), None)


def text_of(properties: Mapping[str, Any], source: str, length_max: int) -> str:
    value = value_of(properties, source)
    if not isinstance(value, str):
        raise Unfit(f"property {source!r} must be text, not {'null' if value is None else 'another kind of value'}")
    text = value.strip()
    if not 0 < len(text) <= length_max:
        raise Unfit(f"property {source!r} must have 1 to {length_max} characters")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Unfit(f"property {source!r} has control characters")
    return text


def country_of(properties: Mapping[str, Any], source: str) -> str:
    country = text_of(properties, source, NAME_LENGTH_MAX)
    if not (len(country) == 2 and country.isascii() and country.isupper()):
        raise Unfit(f"country {country[:20]!r} must be two capital letters, such as IT")
    return country


def whole_of(properties: Mapping[str, Any], source: str | None, least: int, most: int) -> int | None:
    value = None if source is None else value_of(properties, source)
    if value is None:
        return None
    if source is not None and source.startswith("=") and DIGITS.fullmatch(value) and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise Unfit(f"property {source!r} must be a whole number")
    if not least <= value <= most:
        raise Unfit(f"property {source!r} must lie in {least}..{most}")
    return int(value)
