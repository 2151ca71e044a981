"""Tiers of prices over GraphQL: kinds of day, months and hours of a local calendar."""

import strawberry

from api.graphql.scalars import Date, Micro
from api.graphql.words import describe
from domain.market.prices import calendars
from domain.market.prices.calendars import DayKind

describe(
    DayKind,
    "What a local day is.",
    WEEKDAY="Monday to Friday, unless it is a holiday.",
    WEEKEND="Saturday and Sunday, unless it is a holiday.",
    HOLIDAY="One of the holidays given.",
)
DAYS = "On which kinds of day it holds."
FIRST_MONTH = "First month of the season, 1 to 12."
LAST_MONTH = "Last month of the season, 1 to 12; a season may pass the end of the year."
FROM = "First minute of the local day in which it holds, 0 to 1439."
TO = "Minute of the local day at which it ends, 1 to 1440; it may pass midnight."


@strawberry.type(description="A value for some hours of a local calendar.")
class Tier:
    name: str = strawberry.field(description="Name, such as peak.")
    value_ueur_per_kwh: Micro = strawberry.field(name="value", description="The value, EUR/kWh.")
    days: list[DayKind] = strawberry.field(description=DAYS)
    first_month: int = strawberry.field(description=FIRST_MONTH)
    last_month: int = strawberry.field(description=LAST_MONTH)
    from_minute: int = strawberry.field(description=FROM)
    to_minute: int = strawberry.field(description=TO)


@strawberry.input(description="A value for some hours of a local calendar.")
class TierInput:
    name: str = strawberry.field(description="Name, 1 to 60 characters, such as peak.")
    value_ueur_per_kwh: Micro = strawberry.field(name="value", description="The value, -4 to 4 EUR/kWh.")
    days: list[DayKind] = strawberry.field(default_factory=lambda: list(DayKind), description=DAYS)
    first_month: int = strawberry.field(default=1, description=FIRST_MONTH)
    last_month: int = strawberry.field(default=calendars.MONTHS, description=LAST_MONTH)
    from_minute: int = strawberry.field(default=0, description=FROM)
    to_minute: int = strawberry.field(default=calendars.MINUTES, description=TO)


def tiers_of(given: list[TierInput]) -> tuple[calendars.Tier, ...]:
    """Tiers as the domain knows them."""
    return tuple(
        calendars.Tier(
            tier.name,
            tier.value_ueur_per_kwh,
            tuple(tier.days),
            tier.first_month,
            tier.last_month,
            tier.from_minute,
            tier.to_minute,
        )
        for tier in given
    )


def shown(tiers: tuple[calendars.Tier, ...]) -> list[Tier]:
    """Tiers as clients see them."""
    return [
        Tier(
            name=tier.name,
            value_ueur_per_kwh=Micro(tier.value_ueur_per_kwh),
            days=list(tier.days),
            first_month=tier.first_month,
            last_month=tier.last_month,
            from_minute=tier.from_minute,
            to_minute=tier.to_minute,
        )
        for tier in tiers
    ]


def calendar_of(timezone: str, holidays: list[Date]) -> calendars.Calendar:
    """The calendar as the domain knows it."""
    return calendars.Calendar(timezone, frozenset(holidays))


def holidays_of(calendar: calendars.Calendar) -> list[Date]:
    """Holidays as clients see them, in order."""
    return [Date(day) for day in sorted(calendar.holidays)]
