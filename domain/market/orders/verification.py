"""What must hold of orders and of what they hold, as queries for the rows where it does not."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import broken

GUARDS = "I1 energy, market"

# Each query gives the rows that break the sentence before it: an id, and what is stored against what should be.
RULES: dict[str, str] = {
    "an order's fill in a delivery interval is the sum of its trades there": """
        SELECT interval.order_id, interval.delivery_start, interval.filled_ukwh AS stored,
               coalesce(traded.energy_ukwh, 0) AS traded
        FROM order_interval AS interval FULL JOIN (
            SELECT order_id, delivery_start, sum(energy_ukwh) AS energy_ukwh FROM (
                SELECT buy_order_id AS order_id, delivery_start, energy_ukwh FROM trade
                UNION ALL SELECT sell_order_id, delivery_start, energy_ukwh FROM trade) AS side
            GROUP BY order_id, delivery_start) AS traded USING (order_id, delivery_start)
        WHERE interval.filled_ukwh IS DISTINCT FROM coalesce(traded.energy_ukwh, 0)""",
    "a fill never exceeds the energy offered": """
        SELECT order_id, delivery_start, filled_ukwh, energy_ukwh FROM order_interval
        WHERE filled_ukwh NOT BETWEEN 0 AND energy_ukwh
        UNION ALL SELECT id, delivery_start, filled_ukwh, energy_ukwh FROM market_order
        WHERE filling = 'FLEXIBLE' AND filled_ukwh NOT BETWEEN 0 AND energy_ukwh""",
    "an order with a minimum is filled so far in a delivery interval, or not at all": """
        SELECT order_id, interval.delivery_start, interval.filled_ukwh, minimum_fill_ukwh
        FROM order_interval AS interval JOIN market_order ON market_order.id = order_id
        WHERE interval.filled_ukwh > 0 AND interval.filled_ukwh < minimum_fill_ukwh""",
    "an order offers its energy in each interval of its delivery, and its fill is their sum": """
        SELECT market_order.id, market_order.filled_ukwh AS stored, sum(interval.filled_ukwh) AS filled
        FROM market_order JOIN market ON market.id = market_order.market_id
        LEFT JOIN order_interval AS interval ON interval.order_id = market_order.id
             AND interval.energy_ukwh = market_order.energy_ukwh AND interval.market_id = market_order.market_id
             AND interval.delivery_start >= market_order.delivery_start
             AND interval.delivery_start < market_order.delivery_end
        GROUP BY market_order.id, market.delivery_minutes
        HAVING coalesce(sum(interval.filled_ukwh), -1) <> market_order.filled_ukwh
            OR count(interval) * make_interval(mins => market.delivery_minutes)
               <> market_order.delivery_end - market_order.delivery_start""",
    "an order's status agrees with its fill and with what is open": """
        SELECT id, status, filled_ukwh, closed_at, is_open
        FROM market_order JOIN (
            SELECT order_id, bool_or(is_open) AS is_open, bool_or(is_open AND filled_ukwh = energy_ukwh) AS is_full,
                   sum(energy_ukwh) AS of_all
            FROM order_interval GROUP BY order_id) AS offered ON offered.order_id = id
        CROSS JOIN LATERAL (SELECT CASE filling WHEN 'FLEXIBLE' THEN energy_ukwh ELSE of_all END AS whole) AS meant
        WHERE is_open AND is_full OR is_open <> (closed_at IS NULL) OR NOT CASE status
            WHEN 'OPEN' THEN filled_ukwh = 0 AND closed_at IS NULL
            WHEN 'PARTIALLY_FILLED' THEN filled_ukwh BETWEEN 1 AND whole - 1 AND closed_at IS NULL
            WHEN 'HALTED' THEN filled_ukwh < whole AND closed_at IS NULL
            WHEN 'FILLED' THEN filled_ukwh = whole AND closed_at IS NOT NULL
            ELSE filled_ukwh < whole AND closed_at IS NOT NULL END""",
    "what is held of a user is what its orders hold": """
        SELECT coalesce(account.owner_id, ordered.owner_id) AS owner_id, account.balance_ueur AS stored,
               coalesce(ordered.held_ueur, 0) AS ordered
        FROM account FULL JOIN (
            SELECT owner_id, sum(held_ueur) AS held_ueur FROM market_order GROUP BY owner_id) AS ordered
            ON ordered.owner_id = account.owner_id
        WHERE (account.kind = 'HELD' OR account.kind IS NULL)
          AND account.balance_ueur IS DISTINCT FROM coalesce(ordered.held_ueur, 0)""",
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule, with the rule."""
    async for breach in broken(session, RULES):
        yield breach
