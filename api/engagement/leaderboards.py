"""Leaderboards over GraphQL."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.periods import Period, series_of_months
from api.graphql.scalars import Date, DateTime, Micro
from api.graphql.words import describe
from api.market.delivery.emissions import EmissionBasis, emission_basis
from api.metering.series import refused_as_input
from api.resources import clock
from domain.engagement import leaderboards
from domain.engagement.figures import UNITS, FigureUnit, LeaderboardKind
from domain.engagement.leaderboards import EmptyBecause, Entry

describe(
    LeaderboardKind,
    "What members are ranked by, each by all it did in the month, whichever community it did it in.",
    SELF_SUFFICIENCY="Share of what was withdrawn that was shared or delivered by trades.",
    RENEWABLE_SHARE="Share of what was delivered to the buyer that came from sun, wind, water or biomass.",
    AVOIDED_CARBON="CO2 equivalent avoided by the renewable energy delivered to the buyer, by the grid's factor.",
    TRADED_ENERGY="Energy delivered by trades, bought or sold.",
    RELIABILITY="Share of the energy of settled trades that did not fail on the member's own side.",
    PARTICIPATION="Local days on which traded energy was delivered, or energy was shared.",
)
describe(
    FigureUnit,
    "What a figure is counted in.",
    SHARE="0 to 1, rounded down to the millionth.",
    KWH="kWh.",
    KG="kg.",
    DAYS="Days.",
    EUR="EUR.",
)
describe(
    EmptyBecause,
    "Why a leaderboard is empty.",
    MEMBERS_ONLY="It is for members and administrators of the community.",
    TOO_FEW="Fewer than 5 members can be ranked.",
    NO_EMISSION_FACTOR="No emission factor is known of the community's country for the year or any before.",
)


@strawberry.type(description="A place in a leaderboard.")
class LeaderboardEntry:
    rank: int = strawberry.field(description="From 1; equal values share a rank, and the next counts those before it.")
    label: str = strawberry.field(description="Label of the member's card.")
    value: Micro = strawberry.field(description="What was reached, in the leaderboard's unit: 0 to 1, kWh, kg, days.")
    is_viewer: bool = strawberry.field(description="Whether it is the viewer's own place.")


@strawberry.type(description="Who did most in a month among a community's members of today who did not opt out.")
class Leaderboard:
    kind: LeaderboardKind = strawberry.field(description="What is ranked.")
    unit: FigureUnit = strawberry.field(description="What values are counted in.")
    period: Period = strawberry.field(description="The month, by the community's local time.")
    ranked_count: int | None = strawberry.field(description="How many are ranked; null where they are too few.")
    entries: list[LeaderboardEntry] = strawberry.field(description="The first places, best first.")
    own: LeaderboardEntry | None = strawberry.field(
        description="The viewer's own place, wherever it is; null for who is not ranked."
    )
    emissions: EmissionBasis | None = strawberry.field(
        description="By what avoided carbon is counted; null for other kinds, and where no factor is known."
    )
    empty_because: EmptyBecause | None = strawberry.field(description="Why nobody is ranked; null where some are.")


KIND = Annotated[LeaderboardKind, strawberry.argument(description="What to rank by.")]
MONTH = Annotated[
    Date, strawberry.argument(description="First day of a month that has begun, at most 60 months ago; local time.")
]
FIRST = Annotated[int, strawberry.argument(description="How many places, 1 to 100.")]


@extends("Community")
class LeaderboardOfCommunity:
    @strawberry.field(
        metadata=series_of_months(),
        description="Who did most in a month, by card. For members and administrators; for others it is empty.",
    )
    async def leaderboard(self, info: Info, kind: KIND, month: MONTH, first: FIRST = 10) -> Leaderboard:
        return await read(info.context, self.__dict__["id"], kind, month, first)


async def read(context: Context, community_id: UUID, kind: LeaderboardKind, month: date, first: int) -> Leaderboard:
    """A leaderboard, empty for who is not in the community. Raises BadUserInput."""
    context.take_series()
    with refused_as_input():
        async with context.database.reading() as connection:
            found = await leaderboards.read(
                connection, context.viewer, community_id, kind, month, first, now=clock.now()
            )
    return Leaderboard(
        kind=kind,
        unit=UNITS[kind],
        period=Period(start=DateTime(found.period.start), end=DateTime(found.period.end)),
        ranked_count=found.ranked_count,
        entries=[_entry(entry) for entry in found.entries],
        own=None if found.own is None else _entry(found.own),
        emissions=emission_basis(found.factor),
        empty_because=found.empty_because,
    )


def _entry(entry: Entry) -> LeaderboardEntry:
    return LeaderboardEntry(rank=entry.rank, label=entry.label, value=Micro(entry.value), is_viewer=entry.is_viewer)
