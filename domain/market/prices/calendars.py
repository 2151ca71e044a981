"""Tiers of a price by local calendar: kinds of day, months and hours, the first row that holds.

Local time is that of the operator who sets the rows. On the day on which clocks go back an hour comes twice and is in
the same tier both times; the hour that is left out in spring is in none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import PRICE_UEUR_PER_KWH_MAX, UEUR_PER_EUR

TIERS_MAX = 24
HOLIDAYS_MAX = 200
NAME_MAX = 60
MINUTES = 1_440
MONTHS = 12
SATURDAY = 5


class DayKind(StrEnum):
    """What a local day is; a holiday is neither of the others."""

    WEEKDAY = "WEEKDAY"
    WEEKEND = "WEEKEND"
    HOLIDAY = "HOLIDAY"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local clock and the days on which nobody works."""

    timezone: str
    holidays: frozenset[date] = frozenset()

    def kind_of(self, day: date) -> DayKind:
        """What a local day is."""
        if day in self.holidays:
            return DayKind.HOLIDAY
        return DayKind.WEEKEND if day.weekday() >= SATURDAY else DayKind.WEEKDAY

    def local(self, instant: datetime) -> datetime:
        """An instant as its clocks show it."""
        return instant.astimezone(ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True)
class Tier:
    """A value for some days, months and hours: months from first to last, minutes [from, to); both may pass the end.

    November to February is 11 to 2, and ten at night to six is 1320 to 360.
    """

    name: str
    value_ueur_per_kwh: int
    days: tuple[DayKind, ...] = tuple(DayKind)
    first_month: int = 1
    last_month: int = MONTHS
    from_minute: int = 0
    to_minute: int = MINUTES

    def holds(self, calendar: Calendar, instant: datetime) -> bool:
        """Whether an instant is in it."""
        local = calendar.local(instant)
        return (
            calendar.kind_of(local.date()) in self.days
            and _within(local.month, self.first_month, self.last_month + 1)
            and _within(local.hour * 60 + local.minute, self.from_minute, self.to_minute)
        )


def tier_at(tiers: Iterable[Tier], calendar: Calendar, instant: datetime) -> Tier | None:
    """The first tier that an instant is in."""
    return next((tier for tier in tiers if tier.holds(calendar, instant)), None)


def check(calendar: Calendar, tiers: Sequence[Tier]) -> None:
    """Raises InvalidValue naming the field and the row at fault."""
    if calendar.timezone not in available_timezones():
        raise InvalidValue(("timezone",), 'It must be a name of the time zone database, such as "Europe/Rome".')
    if len(calendar.holidays) > HOLIDAYS_MAX:
        raise InvalidValue(("holidays",), f"At most {HOLIDAYS_MAX} holidays.")
    if len(tiers) > TIERS_MAX:
        raise InvalidValue(("tiers",), f"At most {TIERS_MAX} tiers.")
    for row, tier in enumerate(tiers):
        _check_tier(("tiers", str(row)), tier)


def row_of(tier: Tier) -> dict[str, Any]:
    """The columns of a stored tier."""
    return {
        "name": tier.name,
        "value_ueur_per_kwh": tier.value_ueur_per_kwh,
        "days": [day.value for day in tier.days],
        "first_month": tier.first_month,
        "last_month": tier.last_month,
        "from_minute": tier.from_minute,
        "to_minute": tier.to_minute,
    }


def tiers_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Tiers from their stored columns, in the order of their rank."""
    names = [each.name for each in fields(Tier)]
    return tuple(
        Tier(**{name: row[name] for name in names} | {"days": tuple(map(DayKind, row["days"]))}) for row in rows
    )


def check_price(path: tuple[str, ...], price_ueur_per_kwh: int) -> None:
    """Raises InvalidValue for what no energy costs."""
    if abs(price_ueur_per_kwh) > PRICE_UEUR_PER_KWH_MAX:
        most = PRICE_UEUR_PER_KWH_MAX // UEUR_PER_EUR
        raise InvalidValue(path, f"It must be -{most} to {most} EUR/kWh.")


def _within(value: int, first: int, end: int) -> bool:
    return first <= value < end if first < end else value >= first or value < end


def _check_tier(path: tuple[str, ...], tier: Tier) -> None:
    check_price((*path, "value"), tier.value_ueur_per_kwh)
    if not 1 <= len(tier.name.strip()) <= NAME_MAX or "\x00" in tier.name:
        raise InvalidValue((*path, "name"), f"A name has 1 to {NAME_MAX} characters, none of them NUL.")
    if not tier.days or len(set(tier.days)) < len(tier.days):
        raise InvalidValue((*path, "days"), "A tier holds on one kind of day or more, each named once.")
    for name, month in (("firstMonth", tier.first_month), ("lastMonth", tier.last_month)):
        if not 1 <= month <= MONTHS:
            raise InvalidValue((*path, name), "A month is 1 to 12.")
    if not 0 <= tier.from_minute < MINUTES:
        raise InvalidValue((*path, "fromMinute"), "A tier begins at minute 0 to 1439 of the local day.")
    if not 1 <= tier.to_minute <= MINUTES or tier.to_minute == tier.from_minute:
        raise InvalidValue((*path, "toMinute"), "A tier ends at another minute, 1 to 1440, of the local day.")
