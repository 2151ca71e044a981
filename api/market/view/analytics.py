"""Analytics of zones over GraphQL: flows, price trend, congestion and health."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import extends, leading
from api.engine.fields import edge
from api.graphql.context import Context, Info
from api.graphql.periods import Period, PeriodInput, series
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.grid.loads import span_of
from api.market.clearing import flows
from api.market.clearing.flows import Flow
from api.resources import clock
from domain.geography.tables import ZoneLink as LinkTable
from domain.grid import analytics
from domain.grid.analytics import Health, Signs, Summary
from domain.kernel.database import among
from domain.kernel.intervals import Period as Span
from domain.kernel.quantities import WHOLE_PPM, round_half_even
from domain.market.clearing import ticks
from domain.market.places.tables import Market

SECONDS_PER_HOUR = 3_600
STEADY = 0.02  # A mean price that changes by less is called steady.


class PriceTrend(StrEnum):
    """How a mean price moved against the one of the period before."""

    RISING = "RISING"
    FALLING = "FALLING"
    STEADY = "STEADY"


describe(
    PriceTrend,
    "How the mean price of a period moved against the one of the period of the same length before it.",
    RISING="It is at least 2 % higher.",
    FALLING="It is at least 2 % lower.",
    STEADY="It changed by less than 2 %.",
)


@strawberry.type(description="What was sent over a link from or to the zone in a period.")
class LinkFlow:
    link = edge(None, "ZoneLink", "The link.")
    energy_ukwh: Micro = strawberry.field(
        name="energyKwh",
        description="Energy sent, kWh: what zones sold to each other, along the cheapest ways of the links as they are "
        "now.",
    )
    utilisation: Micro | None = strawberry.field(
        description="Part of what could have been sent in deliveries in which zones exchanged energy, 0 to 1; null if "
        "there were none."
    )
    full_intervals: int = strawberry.field(description="Deliveries in which the link was full.")


@strawberry.type(description="The mean price of a zone's market in a period, against the period before.")
class ZonePrice:
    mean_ueur_per_kwh: Micro | None = strawberry.field(
        name="mean", description="Price weighted by energy traded, EUR/kWh; null where nothing was cleared."
    )
    before_ueur_per_kwh: Micro | None = strawberry.field(
        name="before", description="The same of the period of the same length before, EUR/kWh; null likewise."
    )
    trend: PriceTrend | None = strawberry.field(description="How it moved; null where one of them is not known.")


@strawberry.type(description="What a zone went through in a period.")
class ZoneAnalytics:
    period: Period = strawberry.field(description="The period.")
    health: Health = strawberry.field(description="How the zone is now.")
    price: ZonePrice = strawberry.field(description="Mean price and trend of its market.")
    flows: list[LinkFlow] = strawberry.field(description="What was sent over each link from or to the zone.")
    measured_hours: Micro = strawberry.field(
        description="Time of the period whose utilisation is known and for the viewer to see (`load`), hours."
    )
    congestion_hours: Micro = strawberry.field(
        description="Time of it in which 90 % or more of the capacity was used, hours."
    )
    overload_hours: Micro = strawberry.field(
        description="Time of it in which all of the capacity or more was used, hours."
    )
    peak_utilisation: Micro | None = strawberry.field(
        description="Highest part of the capacity in use, 0 to 1 or more; null where none is known."
    )
    halted_hours: Micro = strawberry.field(
        description="Time of the period, up to now, in which trading was halted, hours."
    )
    alert_count: int = strawberry.field(description="Alerts that were in force at some time of the period.")


ANALYSED = Annotated[PeriodInput, strawberry.argument(description="Whole quarter-hours, at most 3000.")]


@extends("MarketZone")
class AnalyticsOfZone:
    @strawberry.field(metadata=series(), description="What the zone went through in a period, and how it is now.")
    async def analytics(self, info: Info, period: ANALYSED) -> ZoneAnalytics:
        info.context.take_series()
        return await read(info.context, self.__dict__["id"], period)


async def read(context: Context, zone_id: UUID, period: PeriodInput) -> ZoneAnalytics:
    """A zone's analytics, read together with those of other zones that are asked for. Raises BadUserInput."""
    now = clock.now()
    span = span_of(period, now)

    async def load(zone_ids: list[UUID]) -> list[ZoneAnalytics]:
        async with context.database.transaction() as session:
            return await _read(session, context, zone_ids, span, now)

    loaded: ZoneAnalytics = await context.loaders.loader(("zone analytics", span), load).load(zone_id)
    return loaded


async def _read(
    session: AsyncSession, context: Context, zone_ids: Sequence[UUID], span: Span, now: datetime
) -> list[ZoneAnalytics]:
    summaries = await analytics.summaries(session, zone_ids, span, context.viewer, now=now)
    signs = await analytics.signs(session, zone_ids, context.viewer, now=now)
    sent = await flows.of_zones(session, zone_ids, span)
    links = await _links(session)
    price = await _prices(session, zone_ids, span)
    return [
        _shown(
            span,
            summaries[zone_id],
            signs[zone_id],
            price[zone_id],
            [_flow(flow, links) for flow in sent[zone_id]],
        )
        for zone_id in zone_ids
    ]


def _shown(span: Span, summary: Summary, signs: Signs, price: ZonePrice, sent: list[LinkFlow]) -> ZoneAnalytics:
    peak = summary.peak_utilisation_ppm
    return ZoneAnalytics(
        period=Period(start=DateTime(span.start), end=DateTime(span.end)),
        health=analytics.health_of(signs),
        price=price,
        flows=sent,
        measured_hours=_hours(summary.measured),
        congestion_hours=_hours(summary.congested),
        overload_hours=_hours(summary.overloaded),
        peak_utilisation=None if peak is None else Micro(peak),
        halted_hours=_hours(summary.halted),
        alert_count=summary.alerts,
    )


def _hours(span: timedelta) -> Micro:
    """Millionths of an hour, rounded half-even."""
    return Micro(round_half_even(span // timedelta(microseconds=1), SECONDS_PER_HOUR))


def _flow(flow: Flow, links: dict[tuple[UUID, UUID], UUID]) -> LinkFlow:
    possible = flow.possible_ukwh
    used = Micro(round_half_even(flow.energy_ukwh * WHOLE_PPM, possible)) if possible else None
    shown = LinkFlow(energy_ukwh=Micro(flow.energy_ukwh), utilisation=used, full_intervals=flow.full_intervals)
    return leading(shown, link=links[flow.link.from_zone_id, flow.link.to_zone_id])


async def _links(session: AsyncSession) -> dict[tuple[UUID, UUID], UUID]:
    rows = await session.execute(select(LinkTable.from_zone_id, LinkTable.to_zone_id, LinkTable.id))
    return {(from_zone, to_zone): link_id for from_zone, to_zone, link_id in rows}


async def _prices(session: AsyncSession, zone_ids: Sequence[UUID], span: Span) -> dict[UUID, ZonePrice]:
    markets = select(Market.zone_id, Market.id).where(among(Market.zone_id, zone_ids))
    market_of = {zone_id: market_id for zone_id, market_id in await session.execute(markets)}  # noqa: C416
    means = await _means(session, market_of.values(), span)
    before = await _means(session, market_of.values(), Span(span.start - (span.end - span.start), span.start))
    return {
        zone_id: _price(means.get(market_of.get(zone_id)), before.get(market_of.get(zone_id))) for zone_id in zone_ids
    }


async def _means(session: AsyncSession, market_ids: Collection[UUID], span: Span) -> dict[UUID | None, int]:
    minutes = int((span.end - span.start) / timedelta(minutes=1))
    found = await ticks.series(await session.connection(), market_ids, span, minutes)
    return {market_id: buckets[0].price_ueur_per_kwh for market_id, buckets in found.items() if buckets}


def _price(mean: int | None, before: int | None) -> ZonePrice:
    return ZonePrice(
        mean_ueur_per_kwh=None if mean is None else Micro(mean),
        before_ueur_per_kwh=None if before is None else Micro(before),
        trend=None if mean is None or before is None else trend_of(mean, before),
    )


def trend_of(mean: int, before: int) -> PriceTrend:
    """How a mean price moved against the one before, both in any one unit; prices may be negative."""
    if abs(mean - before) < STEADY * abs(before) or mean == before:
        return PriceTrend.STEADY
    return PriceTrend.RISING if mean > before else PriceTrend.FALLING
