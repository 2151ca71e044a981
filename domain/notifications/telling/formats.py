"""How facts are shown in a language and a time zone, by what their names end in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_currency, format_decimal, format_percent

from domain.identity.tables import Language
from domain.kernel.quantities import INT64_MAX, MICRO

TEXT_MAX = 2_000
LOCALES = {
    Language.EN: Locale("en", "GB"),  # Dates and times as Europe writes them.
    Language.DE: Locale("de"),
    Language.FR: Locale("fr"),
    Language.IT: Locale("it"),
}
CENT_UEUR = 10_000


@dataclass(frozen=True, slots=True)
class Format:
    """How numbers, money and times are written for somebody."""

    language: Language = Language.EN
    timezone: str = "UTC"

    @property
    def locale(self) -> Locale:
        """The locale of the language."""
        return LOCALES[self.language]

    def shown(self, name: str, facts: Mapping[str, Any]) -> str | None:
        """A fact as it is shown; None where it is missing or not what its name promises. `x_delivery` and `delivery`
        are made of their start and end.
        """
        value = facts.get(name)
        if value is None and name.endswith("delivery"):
            return self.span(facts.get(f"{name}_start"), facts.get(f"{name}_end"))
        for ending, show in SHOWN_BY_ENDING:
            if name.endswith(ending):
                return show(self, value)
        return self.number(value) or line(value)

    def number(self, value: Any, per_unit: int = 1, unit: str = "") -> str | None:
        """A number in its unit, exact."""
        if not _is_number(value):
            return None
        shown: str = format_decimal(Decimal(value) / per_unit, "#,##0.######", locale=self.locale)
        return f"{shown} {unit}" if unit else shown

    def money(self, value: Any, *, is_signed: bool = False) -> str | None:
        """Micro-EUR as EUR: whole cents, but exact below one. With a sign: what is got is plus, what is paid minus."""
        if not _is_number(value):
            return None
        decimals = "00####" if 0 < abs(value) < CENT_UEUR else "00"
        return self._euros(value, decimals, is_signed=is_signed)

    def price(self, value: Any) -> str | None:
        """Micro-EUR per kWh, exact."""
        return f"{self._euros(value, '00####')}/kWh" if _is_number(value) else None

    def _euros(self, value: int, decimals: str, *, is_signed: bool = False) -> str:
        pattern = str(self.locale.currency_formats["standard"].pattern).replace("0.00", f"0.{decimals}")
        pattern = f"+{pattern};-{pattern}" if is_signed and value else pattern
        euros: str = format_currency(Decimal(value) / MICRO, "EUR", pattern, locale=self.locale, currency_digits=False)
        return euros

    def percent(self, value: Any) -> str | None:
        """Whole percent."""
        return str(format_percent(Decimal(value) / 100, locale=self.locale)) if _is_number(value) else None

    def month(self, value: Any) -> str | None:
        """A month such as 2026-10, by its name."""
        try:
            first = date.fromisoformat(f"{value}-01")
        except ValueError:
            return None
        return str(format_date(first, "LLLL y", locale=self.locale))

    def instant(self, value: Any) -> str | None:
        """An instant by the local clock."""
        local = self._local(value)
        return None if local is None else f"{self._date(local)}, {self._time(local)} ({self._clock(local)})"

    def span(self, start: Any, end: Any) -> str | None:
        """From when to when, by the local clock."""
        begins, ends = self._local(start), self._local(end)
        if begins is None or ends is None:
            return self.instant(start)
        zones = self._clock(begins), self._clock(ends)
        first, last = self._time(begins), self._time(ends)
        if zones[0] != zones[1]:
            first, last = f"{first} {zones[0]}", f"{last} {zones[1]}"
        named = "" if zones[0] != zones[1] else f" ({zones[0]})"
        if begins.date() == ends.date() or ((ends - begins).days == 0 and not (ends.hour or ends.minute)):
            return f"{self._date(begins)}, {first}–{last}{named}"
        return f"{self._date(begins)}, {first} – {self._date(ends)}, {last}{named}"

    def _local(self, value: Any) -> datetime | None:
        instant = instant_of(value)
        return None if instant is None else instant.astimezone(ZoneInfo(self.timezone))

    def _date(self, local: datetime) -> str:
        return str(format_date(local, "medium", locale=self.locale))

    def _time(self, local: datetime) -> str:
        return str(format_time(local, "short", locale=self.locale))

    def _clock(self, local: datetime) -> str:
        """The short name of the time that holds, such as CET; its usual one where the language has none."""
        named = str(get_timezone_name(local, width="short", locale=self.locale))
        return named if named.isalpha() else local.tzname() or named


def instant_of(value: Any) -> datetime | None:
    """An instant, UTC, or text of one; None for anything else, and for years at the ends of the calendar."""
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo is not None and 1 < instant.year < MAXYEAR else None
    except (TypeError, ValueError):
        return None


def line(value: Any) -> str | None:
    """A text on one line, without the full stop at its end."""
    if not isinstance(value, str):
        return None
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())[
        :TEXT_MAX
    ].removesuffix(".")


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= INT64_MAX


SHOWN_BY_ENDING: tuple[tuple[str, Callable[[Format, Any], str | None]], ...] = (
    ("_id", lambda format, value: None),  # A key of the database tells nobody anything.
    ("_ueur_per_kwh", Format.price),
    ("amount_ueur", lambda format, value: format.money(value, is_signed=True)),
    ("_ueur", Format.money),
    ("_ukwh", lambda format, value: format.number(value, MICRO, "kWh")),
    ("_wh", lambda format, value: format.number(value, 1, "Wh")),
    ("_percent", Format.percent),
    ("month", Format.month),
    ("_start", Format.instant),
    ("_end", Format.instant),
    ("_at", Format.instant),
    ("until", Format.instant),
)
