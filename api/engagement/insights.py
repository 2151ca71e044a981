"""Insights over GraphQL: one's own month beside that of one's communities."""

import strawberry

from api.engagement.leaderboards import MONTH
from api.engine.declarations import leading
from api.engine.fields import edge
from api.graphql.context import Info
from api.graphql.periods import Period, series_of_months
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.market.delivery.emissions import EmissionBasis, emission_basis
from api.metering.series import refused_as_input
from api.resources import clock
from domain.engagement import insights
from domain.engagement.figures import FigureUnit
from domain.engagement.insights import UNITS, CommunityInsights, InsightCode, InsightMeasure
from domain.identity.viewers import Viewer

describe(
    InsightMeasure,
    "What is compared.",
    SELF_SUFFICIENCY="Share of what was withdrawn that was shared or delivered by trades.",
    RENEWABLE_SHARE="Share of what was delivered to the buyer that came from sun, wind, water or biomass.",
    AVOIDED_CARBON="CO2 equivalent avoided by the renewable energy delivered to the buyer.",
    SAVINGS="What the energy bought would have cost more from the grid.",
)
describe(
    InsightCode,
    "What a comparison says; clients put it into words.",
    ABOVE_MEAN="The own figure is above the mean of the others.",
    BELOW_MEAN="It is below.",
    AT_MEAN="It is the same.",
    NOTHING_WITHDRAWN="Nothing was withdrawn, so there is no figure.",
    NOTHING_BOUGHT="Nothing that was bought is delivered, so there is no figure.",
    NO_EMISSION_FACTOR="No emission factor is known for the year or any before, so there is no figure.",
    NOTHING_TO_COMPARE="Nothing was bought at a time for which a tariff of the grid is known, so there is no figure.",
    TOO_FEW_MEMBERS="There are fewer than 5 others of whom there is a figure, so there is no mean.",
)


@strawberry.type(description="A figure of one's own beside the mean of others.")
class Insight:
    measure: InsightMeasure = strawberry.field(description="What is compared.")
    unit: FigureUnit = strawberry.field(description="What it is counted in.")
    code: InsightCode = strawberry.field(description="What the comparison says, or why there is none.")
    own: Micro | None = strawberry.field(
        description="The viewer's own figure, 0 to 1, kg or EUR; null where there is none."
    )
    mean: Micro | None = strawberry.field(
        description="Mean of the others, 0 to 1, kg or EUR; null where fewer than 5 have a figure."
    )
    others_count: int | None = strawberry.field(description="How many others the mean is of; null where there is none.")


@strawberry.type(description="A month of the viewer's beside that of a community.")
class MonthInsights:
    community = edge(None, "Community", "The community; null for who is in none.")
    period: Period = strawberry.field(description="The month, by the community's local time.")
    insights: list[Insight] = strawberry.field(description="One of each measure.")
    emissions: EmissionBasis | None = strawberry.field(
        description="By what avoided carbon is counted; null where no factor is known."
    )


def _communities_count(viewer: Viewer) -> int:
    return min(len(viewer.community_ids), insights.COMMUNITIES_MAX) or 1


@strawberry.type
class InsightViewer:
    @strawberry.field(
        metadata=series_of_months(_communities_count),
        description="A month of the viewer's beside the mean of each of its communities, the first ten; for the "
        "viewer alone. The mean is of the others, of today's members who did not opt out.",
    )
    async def insights(self, info: Info, month: MONTH) -> list[MonthInsights]:
        viewer = info.context.caller
        if not viewer.may_read:
            return []
        for _ in range(_communities_count(viewer)):
            info.context.take_series()
        with refused_as_input():
            async with info.context.database.reading() as connection:
                found = await insights.read(connection, viewer, month, now=clock.now())
        return [_shown(each) for each in found]


def _shown(found: CommunityInsights) -> MonthInsights:
    shown = MonthInsights(
        period=Period(start=DateTime(found.period.start), end=DateTime(found.period.end)),
        insights=[_insight(each) for each in found.insights],
        emissions=emission_basis(found.factor),
    )
    return leading(shown, community=found.community_id)


def _insight(insight: insights.Insight) -> Insight:
    return Insight(
        measure=insight.measure,
        unit=UNITS[insight.measure],
        code=insight.code,
        own=None if insight.own is None else Micro(insight.own),
        mean=None if insight.mean is None else Micro(insight.mean.value),
        others_count=None if insight.mean is None else insight.mean.persons_count,
    )
