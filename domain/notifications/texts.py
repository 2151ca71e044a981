"""Texts of messages in English, rendered from the facts of a notice.

A wording is a title and a body of parts. Each part has alternatives, the fullest first: the first one whose facts are
all there and well-formed is taken, and the last one needs none. Facts are shown by what their names end in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.events.notices import Alternatives, NoticeKind
from domain.kernel.quantities import format_micro

TEXT_MAX = 200
PLACE = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Text:
    """A title of one line, and a body of whole sentences."""

    title: str
    body: str


def render(kind: NoticeKind, facts: Mapping[str, Any]) -> Text:
    """The text of a notice; facts that are missing or malformed are left out."""
    said = {name: _said(name, value) for name, value in facts.items()}
    title = _sentence(_first(kind.wording.title, said))
    body = " ".join(_sentence(part) for part in (_first(each, said) for each in kind.wording.body) if part)
    return Text(title, body)


def _first(alternatives: Alternatives, said: Mapping[str, str | None]) -> str:
    """The first alternative that can be said in full."""
    for alternative in alternatives:
        if all(said.get(name) for name in PLACE.findall(alternative)):
            return PLACE.sub(lambda place: str(said[place.group(1)]), alternative)
    raise AssertionError(f"the last alternative needs no facts: {alternatives}")


def _sentence(text: str) -> str:
    return re.sub(r"([.!?])\.$", r"\1", text[:1].upper() + text[1:])


def _said(name: str, value: Any) -> str | None:
    """A fact as it is shown; None where it is not what its name promises."""
    for suffix, show in SHOWN_BY_SUFFIX:
        if name.endswith(suffix):
            return show(value)
    return str(value) if type(value) is int else _word(value)


def _number(unit: str, of: Callable[[int], str]) -> Callable[[Any], str | None]:
    return lambda value: f"{of(value)} {unit}" if type(value) is int else None


def _cents(value: int) -> str:
    whole, cents = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{cents:02d}"


def _instant(value: Any) -> str | None:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if instant.tzinfo is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _word(value: Any) -> str | None:
    """A text on one line; the name of a value of an enum in small letters."""
    if not isinstance(value, str):
        return None
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())[:TEXT_MAX]
    return line.lower().replace("_", " ") if re.fullmatch(r"[A-Z][A-Z0-9_]+", line) else line.removesuffix(".")


SHOWN_BY_SUFFIX: tuple[tuple[str, Callable[[Any], str | None]], ...] = (
    ("_ueur_per_kwh", _number("EUR/kWh", format_micro)),
    ("_ueur", _number("EUR", format_micro)),
    ("_cents", _number("EUR", _cents)),
    ("_ukwh", _number("kWh", format_micro)),
    ("_wh", _number("Wh", str)),
    ("_start", _instant),
    ("_end", _instant),
    ("_at", _instant),
)
