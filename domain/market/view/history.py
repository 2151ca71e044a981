"""A person's own trading over time: sums by local day, week or month, beside what the grid would have cost or paid.

Energy and amounts are those of the trades, at their prices, whether delivered yet or not; beside them stands what was
delivered and settled, after charges. Savings are what the same energy from the grid would have cost more, earnings what
it would have earned less, by the tariffs of the zone of one's own market at the time of delivery; trades at a time for
which no tariff is known are left out of both. Each amount is rounded half-even by trade, as settlement does it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ARRAY, BigInteger, DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period, day_start
from domain.market.places import visibility
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.tables import GridDirection
from domain.market.prices.tariffs import Tariff

DAYS_MAX = 800
BUCKETS_MAX = 400
MONTHS = 12


class Span(StrEnum):
    """What a statistic is summed by."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class Sums:
    """What was traded; micro-kWh and micro-EUR. Savings and earnings are None where no tariff is known."""

    bought_ukwh: int = 0
    sold_ukwh: int = 0
    paid_ueur: int = 0
    received_ueur: int = 0
    savings_ueur: int | None = None
    earnings_ueur: int | None = None
    delivered_in_ukwh: int = 0
    delivered_out_ukwh: int = 0
    settled_paid_ueur: int = 0
    settled_received_ueur: int = 0
    purchases_count: int = 0
    sales_count: int = 0

    @property
    def net_ukwh(self) -> int:
        """Bought less sold."""
        return self.bought_ukwh - self.sold_ukwh


@dataclass(frozen=True, slots=True)
class Bucket:
    """The deliveries of a local day, week (from Monday) or month, as far as they lie in the period asked for."""

    period: Period
    sums: Sums


SUMMED = frozenset(field.name for field in fields(Sums))


async def statistics(
    connection: AsyncConnection, viewer: Viewer, period: Period, by: Span, timezone: str
) -> tuple[Sums, list[Bucket]]:
    """What the viewer traded for deliveries that begin in a period: all of it, and by buckets, empty ones too.

    Raises InvalidValue.
    """
    if timezone not in available_timezones():
        raise InvalidValue(("timezone",), 'It must be a name of the time zone database, such as "Europe/Rome".')
    if period.end - period.start > timedelta(days=DAYS_MAX):
        raise InvalidValue(("period",), f"The period is longer than {DAYS_MAX} days.")
    zone = ZoneInfo(timezone)
    buckets = spans(period, by, zone)
    if len(buckets) > BUCKETS_MAX:
        raise InvalidValue(("period",), f"More than {BUCKETS_MAX} buckets: ask for weeks or months.")
    given = _given(viewer, period)
    compared = await _compared(connection, given, period)
    rows = (await connection.execute(SUMS, given | compared | {"by": by.value.lower(), "zone": timezone})).all()
    found = {row.local_start: _sums(row) for row in rows if row.local_start is not None}
    total = next((_sums(row) for row in rows if row.local_start is None), Sums())
    return total, [
        Bucket(span, found.get(datetime.combine(first, datetime.min.time()), Sums())) for first, span in buckets
    ]


async def timezone_of(connection: AsyncConnection, user_id: UUID | None) -> str:
    """The zone of the first metering point that somebody takes part with; UTC for who has none."""
    found: str | None = await connection.scalar(ZONE, {"user": user_id})
    return found or "UTC"


def spans(period: Period, by: Span, zone: ZoneInfo) -> list[tuple[date, Period]]:
    """The buckets that a period touches: the first local day of each, and the part of it that lies in the period."""
    first = _first_day(period.start.astimezone(zone).date(), by)
    found = []
    while (begins := day_start(first, zone)) < period.end:
        following = _following(first, by)
        ends = day_start(following, zone)
        found.append((first, Period(max(begins, period.start), min(ends, period.end))))
        first = following
    return found


def _first_day(day: date, by: Span) -> date:
    if by is Span.DAY:
        return day
    return day - timedelta(days=day.weekday()) if by is Span.WEEK else day.replace(day=1)


def _following(day: date, by: Span) -> date:
    if by is Span.MONTH:
        return date(day.year + day.month // MONTHS, day.month % MONTHS + 1, 1)
    return day + timedelta(days=1 if by is Span.DAY else 7)


def _given(viewer: Viewer, period: Period) -> dict[str, Any]:
    user_id = viewer.user_id if visibility.takes_part(viewer) else None
    return {"user": user_id, "start": period.start, "end": period.end}


async def _compared(connection: AsyncConnection, given: dict[str, Any], period: Period) -> dict[str, Any]:
    """Prices of the grid for each zone and delivery that the viewer traded in, as columns."""
    traded = [(row.zone_id, row.delivery_start) for row in await connection.execute(TRADED, given)]
    zones = sorted({zone_id for zone_id, _ in traded})
    tariffs = await grid_tariffs.holding(connection, zones, period.start, period.end) if zones else []
    return await asyncio.to_thread(_prices, traded, tariffs)


def _prices(traded: Sequence[tuple[UUID, datetime]], tariffs: Sequence[Tariff]) -> dict[str, Any]:
    def prices(direction: GridDirection) -> list[int | None]:
        return [grid_tariffs.price_at(tariffs, zone_id, direction, start) for zone_id, start in traded]

    return {
        "zones": [zone_id for zone_id, _ in traded],
        "starts": [start for _, start in traded],
        "import_prices": prices(GridDirection.IMPORT),
        "export_prices": prices(GridDirection.EXPORT),
    }


def _sums(row: Any) -> Sums:
    found = {name: value for name, value in row._mapping.items() if value is not None and name in SUMMED}
    return Sums(**{name: int(value) for name, value in found.items()})


def _half_even(energy: str, price: str) -> str:
    """Energy x price / 10^6 in SQL, rounded half-even: as `round` does it, but for halves that become odd."""
    exact = f"({energy}::numeric * {price} * 0.000001)"
    rounded = f"round({exact})"
    return f"({rounded} - CASE WHEN abs({exact}) % 1 = 0.5 AND {rounded} % 2 <> 0 THEN sign({exact}) ELSE 0 END)"


OWN = """
    own AS (
        SELECT id, true AS is_purchase, market_id, delivery_start, energy_ukwh, price_ueur_per_kwh AS price
        FROM trade WHERE buyer_id = :user AND delivery_start >= :start AND delivery_start < :end
        UNION ALL
        SELECT id, false, seller_market_id, delivery_start, energy_ukwh, seller_price_ueur_per_kwh
        FROM trade WHERE seller_id = :user AND delivery_start >= :start AND delivery_start < :end)"""
TYPES = (
    bindparam("user", type_=Uuid()),
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("end", type_=DateTime(timezone=True)),
)
TRADED = text(f"""
    WITH {OWN}
    SELECT DISTINCT market.zone_id, own.delivery_start FROM own JOIN market ON market.id = own.market_id
    ORDER BY own.delivery_start, market.zone_id
""").bindparams(*TYPES)  # noqa: S608 - made of constants.
PAID = _half_even("energy_ukwh", "price")
SUMS = text(f"""
    WITH {OWN},
    grid AS (
        SELECT * FROM unnest(:zones, :starts, :import_prices, :export_prices)
        AS given (zone_id, delivery_start, import_price, export_price)),
    each AS (
        SELECT date_trunc(:by, own.delivery_start AT TIME ZONE :zone) AS local_start, own.is_purchase, own.energy_ukwh,
               {PAID} AS amount,
               CASE WHEN own.is_purchase THEN {_half_even("energy_ukwh", "grid.import_price")}
                    ELSE {_half_even("energy_ukwh", "grid.export_price")} END AS grid_amount,
               settled.delivered_ukwh, settled.buyer_paid_ueur, settled.seller_received_ueur
        FROM own
        JOIN market ON market.id = own.market_id
        LEFT JOIN grid ON grid.zone_id = market.zone_id AND grid.delivery_start = own.delivery_start
        LEFT JOIN LATERAL (
            SELECT delivered_ukwh, buyer_paid_ueur, seller_received_ueur FROM trade_delivery
            WHERE trade_id = own.id ORDER BY version DESC LIMIT 1) AS settled ON true)
    SELECT local_start,
           sum(energy_ukwh) FILTER (WHERE is_purchase) AS bought_ukwh,
           sum(energy_ukwh) FILTER (WHERE NOT is_purchase) AS sold_ukwh,
           sum(amount) FILTER (WHERE is_purchase) AS paid_ueur,
           sum(amount) FILTER (WHERE NOT is_purchase) AS received_ueur,
           sum(grid_amount - amount) FILTER (WHERE is_purchase) AS savings_ueur,
           sum(amount - grid_amount) FILTER (WHERE NOT is_purchase) AS earnings_ueur,
           sum(delivered_ukwh) FILTER (WHERE is_purchase) AS delivered_in_ukwh,
           sum(delivered_ukwh) FILTER (WHERE NOT is_purchase) AS delivered_out_ukwh,
           sum(buyer_paid_ueur) FILTER (WHERE is_purchase) AS settled_paid_ueur,
           sum(seller_received_ueur) FILTER (WHERE NOT is_purchase) AS settled_received_ueur,
           count(*) FILTER (WHERE is_purchase) AS purchases_count,
           count(*) FILTER (WHERE NOT is_purchase) AS sales_count
    FROM each GROUP BY GROUPING SETS ((local_start), ())
""").bindparams(  # noqa: S608
    *TYPES,
    bindparam("zones", type_=ARRAY(Uuid())),
    bindparam("starts", type_=ARRAY(DateTime(timezone=True))),
    bindparam("import_prices", type_=ARRAY(BigInteger())),
    bindparam("export_prices", type_=ARRAY(BigInteger())),
)
ZONE = text("""
    SELECT metering_point.timezone
    FROM member
    JOIN participation ON participation.member_id = member.id
    JOIN metering_point ON metering_point.id = participation.metering_point_id
    WHERE member.user_id = :user ORDER BY participation.id LIMIT 1
""").bindparams(bindparam("user", type_=Uuid()))
