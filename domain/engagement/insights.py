"""Insights: a person's month beside that of its communities, as codes and facts, for clients to put into words.

The mean is that of the other persons of a community of whom there is a figure, at least five of them and five in each
difference from the means of one's older communities (`domain.aggregates.atoms`): no subtraction takes it apart.
It is rounded half-even to the micro-unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregates.atoms import in_order
from domain.communities.tables import Community
from domain.engagement import figures, leaderboards, persons, savings
from domain.engagement.figures import FigureUnit, LeaderboardKind
from domain.identity.viewers import Viewer, one_of
from domain.kernel.intervals import Period
from domain.kernel.quantities import round_half_even
from domain.market.delivery.emissions import Factor
from domain.market.view import history
from domain.market.view.history import Span

COMMUNITIES_MAX = 10


class InsightMeasure(StrEnum):
    """What is compared."""

    SELF_SUFFICIENCY = "SELF_SUFFICIENCY"
    RENEWABLE_SHARE = "RENEWABLE_SHARE"
    AVOIDED_CARBON = "AVOIDED_CARBON"
    SAVINGS = "SAVINGS"


class InsightCode(StrEnum):
    """What a comparison says."""

    ABOVE_MEAN = "ABOVE_MEAN"
    BELOW_MEAN = "BELOW_MEAN"
    AT_MEAN = "AT_MEAN"
    NOTHING_WITHDRAWN = "NOTHING_WITHDRAWN"
    NOTHING_BOUGHT = "NOTHING_BOUGHT"
    NO_EMISSION_FACTOR = "NO_EMISSION_FACTOR"
    NOTHING_TO_COMPARE = "NOTHING_TO_COMPARE"
    TOO_FEW_MEMBERS = "TOO_FEW_MEMBERS"


UNITS: Mapping[InsightMeasure, FigureUnit] = MappingProxyType(
    {
        InsightMeasure.SELF_SUFFICIENCY: FigureUnit.SHARE,
        InsightMeasure.RENEWABLE_SHARE: FigureUnit.SHARE,
        InsightMeasure.AVOIDED_CARBON: FigureUnit.KG,
        InsightMeasure.SAVINGS: FigureUnit.EUR,
    }
)
# Why there is no figure of one's own.
UNKNOWN: Mapping[InsightMeasure, InsightCode] = MappingProxyType(
    {
        InsightMeasure.SELF_SUFFICIENCY: InsightCode.NOTHING_WITHDRAWN,
        InsightMeasure.RENEWABLE_SHARE: InsightCode.NOTHING_BOUGHT,
        InsightMeasure.AVOIDED_CARBON: InsightCode.NOTHING_BOUGHT,
        InsightMeasure.SAVINGS: InsightCode.NOTHING_TO_COMPARE,
    }
)


Own = Mapping[InsightMeasure, int | None]
Others = dict[InsightMeasure, dict[UUID, int]]  # Figures by person, micro-units.


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of some persons, micro-units."""

    value: int
    persons_count: int


@dataclass(frozen=True, slots=True)
class Insight:
    """One's own figure beside the mean, micro-units; None is what there is no figure of, and the code says why."""

    measure: InsightMeasure
    code: InsightCode
    own: int | None
    mean: Mean | None


@dataclass(frozen=True, slots=True)
class CommunityInsights:
    """A person's month beside that of a community, by the community's local time and its country's emission factor.

    Alone, by the person's local time, for who is in none.
    """

    community_id: UUID | None
    period: Period
    timezone: str
    insights: Sequence[Insight]
    factor: Factor | None


async def read(connection: AsyncConnection, viewer: Viewer, month: date, *, now: datetime) -> list[CommunityInsights]:
    """The viewer's month beside each of its communities, the oldest ten of them. Raises InvalidValue."""
    figures.month_of(month, "UTC", now.date())
    columns = Community.id, Community.timezone, Community.country
    query = select(*columns).where(one_of(Community.id, viewer.community_ids))
    rows = (await connection.execute(query.order_by(Community.id).limit(COMMUNITIES_MAX))).all()
    if not rows:
        return [await _alone(connection, viewer, month, now)]
    found = [await _of_community(connection, viewer, row, month, now) for row in rows]
    told = _told([figures for _, _, figures in found])
    return [_beside(*each, means) for each, means in zip(found, told, strict=True)]


async def _alone(connection: AsyncConnection, viewer: Viewer, month: date, now: datetime) -> CommunityInsights:
    timezone = await history.timezone_of(connection, viewer.user_id)
    period = figures.month_of(month, timezone, now.date())
    given = {"user_id": viewer.user_id} | figures.given(period, timezone, 0)
    own = await _own(connection, viewer, given, period, timezone)
    return CommunityInsights(None, period, timezone, _insights(own, {}, None), None)


async def _of_community(
    connection: AsyncConnection, viewer: Viewer, community: Any, month: date, now: datetime
) -> tuple[CommunityInsights, Own, Others]:
    period = figures.month_of(month, community.timezone, now.date())
    factor = await leaderboards.factor_of(connection, community.country, period)
    given = persons.given([community.id], now.date()) | {"user_id": viewer.user_id}
    given |= figures.given(period, community.timezone, 0 if factor is None else factor.mg_per_kwh)
    own = await _own(connection, viewer, given, period, community.timezone)
    others = await _others(connection, viewer, given, period)
    return CommunityInsights(community.id, period, community.timezone, (), factor), own, others


def _beside(found: CommunityInsights, own: Own, _: Others, means: Mapping[InsightMeasure, Mean]) -> CommunityInsights:
    return replace(found, insights=_insights(own, means, found.factor))


async def _own(
    connection: AsyncConnection, viewer: Viewer, given: dict[str, Any], period: Period, timezone: str
) -> Own:
    found: dict[InsightMeasure, int | None] = dict.fromkeys(InsightMeasure)
    for row in await connection.execute(OWN, given):
        found[InsightMeasure(row.measure)] = int(row.value)
    total, _ = await history.statistics(connection, viewer, period, Span.MONTH, timezone)
    found[InsightMeasure.SAVINGS] = total.savings_ueur
    return found


async def _others(connection: AsyncConnection, viewer: Viewer, given: dict[str, Any], period: Period) -> Others:
    """The figures of others, by measure and person."""
    found: Others = {measure: {} for measure in InsightMeasure}
    for row in await connection.execute(OTHERS, given):
        found[InsightMeasure(row.measure)][row.user_id] = int(row.value)
    saved = await savings.of_persons(connection, given, period)
    found[InsightMeasure.SAVINGS] = {user_id: value for user_id, value in saved.items() if user_id != viewer.user_id}
    return found


def _told(others: Sequence[Others]) -> list[dict[InsightMeasure, Mean]]:
    """The means that may be told of each community, beside those of the communities before it."""
    told: list[dict[InsightMeasure, Mean]] = [{} for _ in others]
    for measure in InsightMeasure:
        values = [each[measure] for each in others]
        for means, of, refusal in zip(told, values, in_order(values), strict=True):
            if refusal is None:
                means[measure] = Mean(round_half_even(sum(of.values()), len(of)), len(of))
    return told


def _insights(own: Own, means: Mapping[InsightMeasure, Mean], factor: Factor | None) -> list[Insight]:
    unknown = dict(UNKNOWN)
    known, told = dict(own), dict(means)
    if factor is None:
        unknown[InsightMeasure.AVOIDED_CARBON] = InsightCode.NO_EMISSION_FACTOR
        known[InsightMeasure.AVOIDED_CARBON] = None
        told.pop(InsightMeasure.AVOIDED_CARBON, None)
    return [_insight(measure, known[measure], told.get(measure), unknown[measure]) for measure in InsightMeasure]


def _insight(measure: InsightMeasure, own: int | None, mean: Mean | None, unknown: InsightCode) -> Insight:
    if own is None:
        return Insight(measure, unknown, None, mean)
    if mean is None:
        return Insight(measure, InsightCode.TOO_FEW_MEMBERS, own, None)
    codes = {-1: InsightCode.BELOW_MEAN, 0: InsightCode.AT_MEAN, 1: InsightCode.ABOVE_MEAN}
    return Insight(measure, codes[(own > mean.value) - (own < mean.value)], own, mean)


COMPARED = (LeaderboardKind.SELF_SUFFICIENCY, LeaderboardKind.RENEWABLE_SHARE, LeaderboardKind.AVOIDED_CARBON)
EACH = " UNION ALL ".join(
    f"SELECT '{kind.value}' AS measure, user_id, value FROM ({figures.VALUES[kind]}) AS {kind.value.lower()}"  # noqa: S608
    for kind in COMPARED
)


def _statement(person: str, asked: str) -> TextClause:
    return text(f"WITH {person}, {figures.SOURCES}, valued AS ({EACH}) {asked}")


OWN = _statement(persons.ALONE, "SELECT measure, value FROM valued")
OTHERS = _statement(
    persons.IN_COMMUNITIES, "SELECT measure, user_id, value FROM valued WHERE user_id <> CAST(:user_id AS uuid)"
)
