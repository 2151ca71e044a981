"""What clearings sold out of each zone or into it, by quarter-hour."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import among
from domain.kernel.intervals import Period
from domain.market.clearing.book import NetExport
from domain.market.clearing.tables import Clearing
from domain.market.places.markets import Coupling

# Energies are whole watt-hours, so quarters of them are whole micro-kWh.
NET_EXPORTS = text("""
    SELECT market.zone_id, quarter, sum((sold_ukwh - bought_ukwh) * 15 / delivery_minutes) AS ukwh
    FROM clearing JOIN market ON market.id = clearing.market_id,
         generate_series(delivery_start, delivery_start + make_interval(mins => delivery_minutes - 15),
                         interval '15 minutes') AS quarter
    WHERE quarter >= :start AND quarter < :end
      AND delivery_start > :start - interval '1 hour' AND delivery_start < :end
    GROUP BY market.zone_id, quarter
""").bindparams(
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("end", type_=DateTime(timezone=True)),
)


async def net_exports(session: AsyncSession, period: Period) -> dict[tuple[UUID, datetime], int]:
    """Sold less bought in each zone with a market and quarter-hour in which something was cleared, micro-kWh."""
    rows = await session.execute(NET_EXPORTS, {"start": period.start, "end": period.end})
    return {(row.zone_id, row.quarter): int(row.ukwh) for row in rows}


async def exported(session: AsyncSession, coupling: Coupling, period: Period) -> tuple[NetExport, ...]:
    """What was sold out of each market of a coupling for deliveries that begin in a period, by delivery."""
    sold: Any = func.sum(Clearing.sold_ukwh - Clearing.bought_ukwh)
    query = (
        select(Clearing.market_id, Clearing.delivery_start, sold.label("energy"))
        .where(among(Clearing.market_id, coupling.market_ids))
        .where(Clearing.delivery_start >= period.start, Clearing.delivery_start < period.end)
        .group_by(Clearing.market_id, Clearing.delivery_start)
        .having(sold != 0)
        .order_by(Clearing.delivery_start, Clearing.market_id)
    )
    return tuple(NetExport(row.market_id, row.delivery_start, int(row.energy)) for row in await session.execute(query))
