"""Leaderboards of a community and month: who did most, by card.

Equal values share a rank, and the next rank counts those before it. Ranked are today's members who did not opt out and
of whom there is a figure; of fewer than five nothing is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import Community
from domain.engagement import figures, persons
from domain.engagement.figures import LeaderboardKind
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period
from domain.market.delivery import emissions
from domain.market.delivery.emissions import Factor

FIRST_MAX = 100


class EmptyBecause(StrEnum):
    """Why a leaderboard is empty."""

    MEMBERS_ONLY = "MEMBERS_ONLY"
    TOO_FEW = "TOO_FEW"
    NO_EMISSION_FACTOR = "NO_EMISSION_FACTOR"


@dataclass(frozen=True, slots=True)
class Entry:
    """A place: its rank from 1, the card's label, and the value in micro-units."""

    rank: int
    label: str
    value: int
    is_viewer: bool


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The first places, and the viewer's own wherever it is; `ranked_count` is None where too few are ranked."""

    period: Period
    timezone: str
    ranked_count: int | None
    entries: Sequence[Entry]
    own: Entry | None
    factor: Factor | None
    empty_because: EmptyBecause | None


async def read(
    connection: AsyncConnection,
    viewer: Viewer,
    community_id: UUID,
    kind: LeaderboardKind,
    month: date,
    first: int,
    *,
    now: datetime,
) -> Leaderboard:
    """A leaderboard, empty for who is neither member nor administrator of the community. Raises InvalidValue."""
    if not 1 <= first <= FIRST_MAX:
        raise InvalidValue(("first",), f"It must be 1 to {FIRST_MAX}.")
    query = select(Community.timezone, Community.country).where(Community.id == community_id)
    timezone, country = (await connection.execute(query)).one()
    period = figures.month_of(month, timezone, now.date())
    if not is_insider(viewer, community_id):
        return Leaderboard(period, timezone, None, (), None, None, EmptyBecause.MEMBERS_ONLY)
    factor = await factor_of(connection, country, period) if kind is LeaderboardKind.AVOIDED_CARBON else None
    if kind is LeaderboardKind.AVOIDED_CARBON and factor is None:
        return Leaderboard(period, timezone, None, (), None, None, EmptyBecause.NO_EMISSION_FACTOR)
    given = persons.given([community_id], now.date())
    given |= figures.given(period, timezone, 0 if factor is None else factor.mg_per_kwh)
    asked = {"first": first, "viewer": viewer.user_id, "persons_min": persons.PERSONS_MIN}
    rows = (await connection.execute(RANKED[kind], given | asked)).all()
    places = [(row.place, Entry(row.rank, row.label, int(row.value), bool(row.is_viewer))) for row in rows]
    return Leaderboard(
        period,
        timezone,
        rows[0].ranked_count if rows else None,
        [entry for place, entry in places if place <= first],
        next((entry for _, entry in places if entry.is_viewer), None),
        factor,
        None if rows else EmptyBecause.TOO_FEW,
    )


def is_insider(viewer: Viewer, community_id: UUID) -> bool:
    """Whether a viewer is a member or an administrator of the community, or an administrator of the platform."""
    return viewer.may_administer(community_id) or community_id in viewer.community_ids


async def factor_of(connection: AsyncConnection, country: str, period: Period) -> Factor | None:
    """The emission factor of a country in a month."""
    return emissions.factor_for(await emissions.factors(connection, [country]), country, period.end)


def _ranked(values: str) -> TextClause:
    return text(f"""
        WITH {persons.IN_COMMUNITIES}, {figures.SOURCES},
        valued AS ({values}),
        ranked AS (
            SELECT person.user_id, label, value, rank() OVER (ORDER BY value DESC) AS rank,
                   row_number() OVER (ORDER BY value DESC, label) AS place, count(*) OVER () AS ranked_count
            FROM person JOIN valued USING (user_id))
        SELECT label, value, rank, place, ranked_count,
               coalesce(user_id = CAST(:viewer AS uuid), false) AS is_viewer
        FROM ranked
        WHERE ranked_count >= :persons_min AND (place <= :first OR user_id = CAST(:viewer AS uuid))
        ORDER BY place
    """)  # noqa: S608 - made of constants.


RANKED: Mapping[LeaderboardKind, TextClause] = MappingProxyType(
    {kind: _ranked(values) for kind, values in figures.VALUES.items()}
)
