"""What clearings sold out of each zone or into it, by quarter-hour."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.intervals import Period

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
