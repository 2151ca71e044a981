"""What users traded: energy delivered out and in by delivery interval, as it was settled last.

`sharing` may give out what trades leave of a user's metered energy (the waterfall of `design.md` section 2):
injected - traded out, withdrawn - traded in.

Decision, 2026-11-21: allocations of sharing do not subtract it yet. They are by metering point and compared with the
grid operator's figures, which know nothing of trades; and a version of an allocation is told by the digest of its
inputs, so a delivery that is settled or corrected later would have to make a new one. Until that is built, a point
should not share and trade in the same interval, or its energy is counted in both.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.intervals import Period
from domain.statements import Statement, Transaction


@dataclass(frozen=True, slots=True)
class Traded:
    """Energy of a user in one delivery interval, micro-kWh."""

    user_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    out_ukwh: int
    in_ukwh: int


async def read(transaction: Transaction, user_ids: Collection[UUID], period: Period) -> list[Traded]:
    """What users delivered and received in intervals that begin in a period, by user and time."""
    given = {"users": sorted(user_ids), "start": period.start, "end": period.end}
    return [
        Traded(row.user_id, row.delivery_start, row.delivery_end, int(row.out_ukwh), int(row.in_ukwh))
        for row in await READ.rows(transaction, given)
    ]


READ = Statement("""
    SELECT party.user_id, trade.delivery_start, trade.delivery_end,
           sum(CASE WHEN party.is_seller THEN latest.delivered_ukwh ELSE 0 END) AS out_ukwh,
           sum(CASE WHEN party.is_seller THEN 0 ELSE latest.delivered_ukwh END) AS in_ukwh
    FROM trade CROSS JOIN LATERAL (VALUES (seller_id, true), (buyer_id, false)) AS party (user_id, is_seller)
    JOIN LATERAL (SELECT delivered_ukwh FROM trade_delivery WHERE trade_id = trade.id ORDER BY version DESC LIMIT 1)
         AS latest ON true
    WHERE trade.delivery_start >= CAST(:start AS timestamptz) AND trade.delivery_start < CAST(:end AS timestamptz)
      AND party.user_id = ANY(CAST(:users AS uuid[]))
    GROUP BY party.user_id, trade.delivery_start, trade.delivery_end
    ORDER BY party.user_id, trade.delivery_start, trade.delivery_end
""")
