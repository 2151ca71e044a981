"""What must hold of deliveries, settlements and certificates, as queries for the rows where it does not."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import broken
from domain.market.places.charges import ROUNDED_OF_TRADE_UEUR

GUARDS = "I1 energy, I2 money, deliveries"

# Latest version of each trade's delivery.
_LATEST = "(SELECT DISTINCT ON (trade_id) * FROM trade_delivery ORDER BY trade_id, version DESC)"

RULES: dict[str, str] = {
    "what was delivered and what each side was short of make up the trade, in versions without gaps": """
        SELECT trade.id, version, energy_ukwh, delivered_ukwh, seller_short_ukwh, buyer_short_ukwh
        FROM trade_delivery JOIN trade ON trade.id = trade_id
        WHERE energy_ukwh <> delivered_ukwh + seller_short_ukwh + buyer_short_ukwh
           OR version > 1 AND NOT EXISTS (SELECT FROM trade_delivery AS before
                                          WHERE before.trade_id = trade.id
                                            AND before.version = trade_delivery.version - 1)""",
    "in an hour that was settled nobody sold more than was injected, nor bought more than was withdrawn": f"""
        WITH hour AS (
            SELECT starts_at, looked_at FROM delivery_hour WHERE is_settled AND look_at IS NULL),
        traded AS (
            SELECT hour.starts_at, hour.looked_at, side.user_id, side.direction, sum(delivered_ukwh) AS delivered_ukwh
            FROM {_LATEST} AS latest JOIN trade ON trade.id = trade_id
            JOIN hour ON hour.starts_at = date_bin('1 hour', delivery_start, 'epoch')
            CROSS JOIN LATERAL (VALUES (seller_id, 'INJECTED'), (buyer_id, 'WITHDRAWN')) AS side (user_id, direction)
            WHERE delivered_ukwh > 0
            GROUP BY hour.starts_at, hour.looked_at, side.user_id, side.direction)
        SELECT traded.user_id, traded.starts_at, traded.direction, delivered_ukwh,
               coalesce(metered.ukwh, 0) AS metered_ukwh
        FROM traded CROSS JOIN LATERAL (
            SELECT sum(value / parts + CASE WHEN place % parts < value % parts THEN 1 ELSE 0 END) AS ukwh,
                   max(received_at) AS received_at
            FROM (
                SELECT reading.values_ukwh[placed.place / (resolution_minutes / 15) + 1] AS value,
                       resolution_minutes / 15 AS parts, placed.place, reading.received_at
                FROM (SELECT DISTINCT point.id, point.timezone, point.directions FROM member
                      JOIN participation ON participation.member_id = member.id
                      JOIN metering_point AS point ON point.id = participation.metering_point_id
                      WHERE member.user_id = traded.user_id) AS point
                CROSS JOIN generate_series(0, 3) AS n
                CROSS JOIN LATERAL (
                    SELECT day, extract(epoch FROM traded.starts_at + n * interval '15 minutes'
                                        - day::timestamp AT TIME ZONE point.timezone)::int / 900 AS place
                    FROM (SELECT ((traded.starts_at + n * interval '15 minutes') AT TIME ZONE point.timezone)::date
                                 AS day) AS local) AS placed
                JOIN reading ON reading.metering_point_id = point.id AND reading.direction = traded.direction
                     AND reading.day = placed.day AND reading.superseded_at IS NULL
                WHERE traded.direction = ANY(point.directions) AND traded.user_id = (
                    SELECT member.user_id FROM participation JOIN member ON member.id = participation.member_id
                    WHERE participation.metering_point_id = point.id AND member.user_id IS NOT NULL
                      AND participation.valid_from <= placed.day
                      AND (participation.valid_to IS NULL OR participation.valid_to > placed.day)
                    ORDER BY participation.valid_from, participation.id LIMIT 1)) AS quarter) AS metered
        WHERE delivered_ukwh > coalesce(metered.ukwh, 0) AND coalesce(metered.received_at, 'epoch') <= looked_at""",  # noqa: S608
    "a line's amounts are its energy at its rate, and VAT on that, rounded to the micro-EUR": """
        SELECT trade_id, version, number, energy_ukwh, rate_ueur_per_kwh, net_ueur, vat_ppm, vat_ueur FROM delivery_line
        WHERE abs(energy_ukwh::numeric * rate_ueur_per_kwh - net_ueur::numeric * 1000000) > 500000
           OR abs(net_ueur::numeric * vat_ppm - vat_ueur::numeric * 1000000) > 500000""",
    "what the sides of a delivery paid and received are its lines": """
        SELECT settled.trade_id, settled.version, buyer_paid_ueur, seller_received_ueur, lines.bought, lines.sold
        FROM trade_delivery AS settled LEFT JOIN (
            SELECT trade_id, version, sum(net_ueur + vat_ueur) FILTER (WHERE side = 'BUY') AS bought,
                   sum(net_ueur + vat_ueur) FILTER (WHERE side = 'SELL') AS sold
            FROM delivery_line GROUP BY trade_id, version) AS lines USING (trade_id, version)
        WHERE buyer_paid_ueur <> coalesce(lines.bought, 0) OR seller_received_ueur <> -coalesce(lines.sold, 0)""",
    "what transfers gave the sides of a delivered trade is its escrow less what it came to": f"""
        WITH given AS (
            SELECT subject_id AS trade_id, holder_id, sum(amount_ueur) AS given_ueur
            FROM transfer JOIN ledger_entry ON transfer_id = transfer.id
            WHERE transfer.kind IN ('SETTLEMENT', 'CORRECTION')
            GROUP BY subject_id, holder_id),
        due AS (
            SELECT trade_id, version, side.*
            FROM {_LATEST} AS latest JOIN trade ON trade.id = trade_id
            CROSS JOIN LATERAL (VALUES (buyer_id, buyer_escrow_ueur - buyer_paid_ueur),
                                       (seller_id, seller_escrow_ueur + seller_received_ueur))
                 AS side (holder_id, due_ueur)
            WHERE buyer_escrow_ueur + seller_escrow_ueur > 0)
        SELECT trade_id, version, holder_id, due_ueur, coalesce(given_ueur, 0) AS given_ueur
        FROM due LEFT JOIN given USING (trade_id, holder_id)
        WHERE coalesce(given_ueur, 0) - due_ueur NOT BETWEEN 0 AND {ROUNDED_OF_TRADE_UEUR}""",  # noqa: S608
    "the escrow of a trade waits until the trade was delivered, and no longer": """
        SELECT trade.id, escrow.id AS escrow_id, resolving.id AS resolved_by, settled.transfer_id
        FROM trade
        LEFT JOIN transfer AS escrow ON escrow.kind = 'ESCROW' AND escrow.reference = 'trade:' || trade.id
        LEFT JOIN transfer AS resolving ON resolving.resolves_id = escrow.id
        LEFT JOIN trade_delivery AS settled ON settled.trade_id = trade.id AND settled.version = 1
        WHERE (escrow.id IS NULL) <> (buyer_escrow_ueur + seller_escrow_ueur = 0)
           OR resolving.id IS DISTINCT FROM settled.transfer_id
           OR escrow.id IS NOT NULL AND (resolving.id IS NULL) <> (settled.trade_id IS NULL)""",
    "certified is what was delivered from a source, whole Wh, unless more than that was cancelled before": f"""
        WITH delivered AS (
            SELECT seller_id, source, delivery_start, delivery_end, floor(sum(delivered_ukwh) / 1000) AS wh
            FROM {_LATEST} AS latest JOIN trade ON trade.id = trade_id
            WHERE source IS NOT NULL
            GROUP BY seller_id, source, delivery_start, delivery_end),
        held AS (
            SELECT issue_id, sum(owned_wh) AS owned_wh, sum(cancelled_wh) AS cancelled_wh
            FROM certificate_holding GROUP BY issue_id)
        SELECT issue.id, owned_wh, cancelled_wh, coalesce(wh, 0) AS delivered_wh
        FROM certificate_issue AS issue JOIN held ON held.issue_id = issue.id
        LEFT JOIN delivered USING (seller_id, source, delivery_start, delivery_end)
        WHERE owned_wh <> greatest(coalesce(wh, 0), cancelled_wh)
          AND NOT EXISTS (SELECT FROM delivery_hour WHERE (look_at IS NOT NULL OR has_news)
                          AND starts_at = date_bin('1 hour', issue.delivery_start, 'epoch'))""",  # noqa: S608
    "what owners hold of certified energy is what acts gave them": """
        SELECT issue_id, owner_id, holding.owned_wh, given.owned_wh AS by_acts, holding.cancelled_wh,
               given.cancelled_wh AS cancelled_by_acts
        FROM certificate_holding AS holding FULL JOIN (
            SELECT issue_id, owner_id, sum(owned_wh) AS owned_wh, sum(cancelled_wh) AS cancelled_wh
            FROM (SELECT issue_id, to_id AS owner_id, energy_wh AS owned_wh, 0 AS cancelled_wh FROM certificate_act
                  WHERE to_id IS NOT NULL
                  UNION ALL
                  SELECT issue_id, from_id, CASE WHEN kind <> 'CANCELLED' THEN -energy_wh ELSE 0 END,
                         CASE WHEN kind = 'CANCELLED' THEN energy_wh ELSE 0 END
                  FROM certificate_act WHERE from_id IS NOT NULL) AS part
            GROUP BY issue_id, owner_id) AS given USING (issue_id, owner_id)
        WHERE (holding.owned_wh, holding.cancelled_wh) IS DISTINCT FROM (given.owned_wh, given.cancelled_wh)""",
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule, with the rule."""
    async for breach in broken(session, RULES):
        yield breach
