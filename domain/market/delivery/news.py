"""What parties are told of settlements: once per look, summed over their trades."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import notices
from domain.events.notices import NewNotice
from domain.kernel.sql import Statement
from domain.market.delivery.hours import Start
from domain.market.delivery.words import TRADE_SETTLED


class Told(NamedTuple):
    """What a party's trades came to since it was last told, between the first and the last of their deliveries; the
    trade where there is one, and the market where all were in one.
    """

    user_id: UUID
    trades: int
    corrections: int
    first_delivery: datetime
    last_delivery: datetime
    delivered_ukwh: Decimal
    short_ukwh: Decimal
    amount_ueur: Decimal
    trade_id: UUID | None
    market_id: UUID | None


async def untold(session: AsyncSession) -> list[datetime]:
    """Starts of the hours in which something was settled that the parties were not told of, in order."""
    return [row.starts_at for row in await UNTOLD.rows(session, {})]


async def tell(session: AsyncSession, *, now: datetime) -> int:
    """Tell each party of what was settled since it was last told, summed; gives how many were told."""
    rows = await NEWS.rows(session, {"now": now})
    await notices.tell(session, [NewNotice(row.user_id, TRADE_SETTLED, _facts(row)) for row in rows])
    return len(rows)


def _facts(row: Told) -> Mapping[str, Any]:
    return {
        "trades": row.trades,
        "corrections": row.corrections,
        "delivery_start": row.first_delivery.isoformat(),
        "delivery_end": row.last_delivery.isoformat(),
        "delivered_ukwh": int(row.delivered_ukwh),
        "short_ukwh": int(row.short_ukwh),
        "amount_ueur": int(row.amount_ueur),
        "trade_id": row.trade_id,
        "market_id": row.market_id,
    }


UNTOLD = Statement("SELECT starts_at FROM delivery_hour WHERE has_news ORDER BY starts_at").into(Start)
# What is new since an hour was last told of: the newest versions, less what was told of the same trades before.
NEWS = Statement("""
    WITH told AS (
        UPDATE delivery_hour SET has_news = false, told_at = CAST(:now AS timestamptz)
        FROM (SELECT starts_at, told_at FROM delivery_hour WHERE has_news ORDER BY starts_at FOR UPDATE) AS before
        WHERE delivery_hour.starts_at = before.starts_at
        RETURNING before.starts_at, coalesce(before.told_at, '-infinity') AS told_at),
    news AS (
        SELECT trade.id, trade.market_id, trade.seller_market_id, trade.buyer_id, trade.seller_id, trade.delivery_start,
               trade.delivery_end, new.version,
               new.delivered_ukwh - coalesce(old.delivered_ukwh, 0) AS delivered_ukwh,
               new.seller_short_ukwh - coalesce(old.seller_short_ukwh, 0) AS seller_short_ukwh,
               new.buyer_short_ukwh - coalesce(old.buyer_short_ukwh, 0) AS buyer_short_ukwh,
               new.buyer_paid_ueur - coalesce(old.buyer_paid_ueur, 0) AS buyer_paid_ueur,
               new.seller_received_ueur - coalesce(old.seller_received_ueur, 0) AS seller_received_ueur
        FROM told JOIN trade ON trade.delivery_start >= told.starts_at
             AND trade.delivery_start < told.starts_at + interval '1 hour'
        JOIN trade_delivery AS new ON new.trade_id = trade.id AND new.settled_at > told.told_at
        LEFT JOIN trade_delivery AS old ON old.trade_id = new.trade_id AND old.version = new.version - 1)
    SELECT party.user_id, count(*) AS trades, count(*) FILTER (WHERE version > 1) AS corrections,
           min(delivery_start) AS first_delivery, max(delivery_end) AS last_delivery,
           sum(delivered_ukwh) AS delivered_ukwh, sum(party.short_ukwh) AS short_ukwh,
           sum(party.amount_ueur) AS amount_ueur,
           CASE WHEN count(*) = 1 THEN (array_agg(news.id))[1] END AS trade_id,
           CASE WHEN count(DISTINCT party.market_id) = 1 THEN (array_agg(party.market_id))[1] END AS market_id
    FROM news CROSS JOIN LATERAL (VALUES (buyer_id, market_id, buyer_short_ukwh, -buyer_paid_ueur),
                                         (seller_id, seller_market_id, seller_short_ukwh, seller_received_ueur))
         AS party (user_id, market_id, short_ukwh, amount_ueur)
    GROUP BY party.user_id ORDER BY party.user_id
""").into(Told)
