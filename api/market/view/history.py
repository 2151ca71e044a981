"""A person's own trading over time, over GraphQL; whole lists are exported by `routes`."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.periods import Period, PeriodInput, series
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.metering.series import refused_as_input
from domain.kernel.intervals import Period as SpanOfTime
from domain.market.view import history
from domain.market.view.history import Span, Sums

describe(
    Span,
    "What a statistic is summed by, in local time.",
    DAY="A day.",
    WEEK="A week from Monday.",
    MONTH="A calendar month.",
)


@strawberry.type(description="What was traded, beside what the grid would have cost or paid, and what was settled.")
class TradingSums:
    bought_ukwh: Micro = strawberry.field(name="boughtKwh", description="Energy bought, kWh.")
    sold_ukwh: Micro = strawberry.field(name="soldKwh", description="Energy sold, kWh.")
    net_ukwh: Micro = strawberry.field(
        name="netKwh", description="Energy bought less energy sold, kWh; negative where more was sold."
    )
    paid_ueur: Micro = strawberry.field(name="paid", description="Price of the energy bought, EUR, without charges.")
    received_ueur: Micro = strawberry.field(
        name="received", description="Price of the energy sold, EUR, without charges."
    )
    savings_ueur: Micro | None = strawberry.field(
        name="savings",
        description="What the energy bought would have cost more from the grid, EUR, by the zone's import tariff at "
        "the time of delivery; null where none is known.",
    )
    earnings_ueur: Micro | None = strawberry.field(
        name="earnings",
        description="What the energy sold brought more than feeding it in, EUR, by the zone's export tariff at "
        "the time of delivery; null where none is known.",
    )
    delivered_in_ukwh: Micro = strawberry.field(
        name="deliveredInKwh", description="Of the energy bought, what was delivered and settled, kWh."
    )
    delivered_out_ukwh: Micro = strawberry.field(
        name="deliveredOutKwh", description="Of the energy sold, what was delivered and settled, kWh."
    )
    settled_paid_ueur: Micro = strawberry.field(
        name="settledPaid", description="What was paid for settled purchases, EUR, with charges, VAT and penalties."
    )
    settled_received_ueur: Micro = strawberry.field(
        name="settledReceived", description="What was received for settled sales, EUR, after charges and penalties."
    )
    purchases_count: int = strawberry.field(description="How many trades bought.")
    sales_count: int = strawberry.field(description="How many trades sold.")


@strawberry.type(description="The deliveries of a local day, week or month.")
class TradingBucket:
    period: Period = strawberry.field(description="The bucket, as far as it lies in the period asked for.")
    sums: TradingSums = strawberry.field(description="What was traded for these deliveries.")


@strawberry.type(description="A person's own trading in a period. For the viewer alone.")
class TradingStatistics:
    timezone: str = strawberry.field(description="IANA zone of the days, weeks and months.")
    total: TradingSums = strawberry.field(description="All of the period.")
    buckets: list[TradingBucket] = strawberry.field(
        description="By day, week or month, earliest first, empty ones too; at most 400."
    )


@strawberry.type
class HistoryViewer:
    @strawberry.field(
        metadata=series(), description="What the viewer traded for deliveries that begin in a period, by local time."
    )
    async def trading_statistics(
        self,
        info: Info,
        period: Annotated[PeriodInput, strawberry.argument(description="At most 800 days.")],
        by: Annotated[Span, strawberry.argument(description="What to sum by.")],
        timezone: Annotated[
            str | None,
            strawberry.argument(
                description="IANA zone; default that of the first metering point the viewer takes part with, else UTC."
            ),
        ] = None,
    ) -> TradingStatistics:
        info.context.take_series()
        viewer, span = info.context.caller, period.span()
        with refused_as_input():
            async with info.context.database.reading() as connection:
                zone = timezone or await history.timezone_of(connection, viewer.user_id)
                total, buckets = await history.statistics(connection, viewer, span, by, zone)
        return TradingStatistics(
            timezone=zone,
            total=_sums(total),
            buckets=[TradingBucket(period=_period(each.period), sums=_sums(each.sums)) for each in buckets],
        )


def _period(span: SpanOfTime) -> Period:
    return Period(start=DateTime(span.start), end=DateTime(span.end))


def _sums(sums: Sums) -> TradingSums:
    return TradingSums(
        bought_ukwh=Micro(sums.bought_ukwh),
        sold_ukwh=Micro(sums.sold_ukwh),
        net_ukwh=Micro(sums.net_ukwh),
        paid_ueur=Micro(sums.paid_ueur),
        received_ueur=Micro(sums.received_ueur),
        savings_ueur=None if sums.savings_ueur is None else Micro(sums.savings_ueur),
        earnings_ueur=None if sums.earnings_ueur is None else Micro(sums.earnings_ueur),
        delivered_in_ukwh=Micro(sums.delivered_in_ukwh),
        delivered_out_ukwh=Micro(sums.delivered_out_ukwh),
        settled_paid_ueur=Micro(sums.settled_paid_ueur),
        settled_received_ueur=Micro(sums.settled_received_ueur),
        purchases_count=sums.purchases_count,
        sales_count=sums.sales_count,
    )
