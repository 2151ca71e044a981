"""Recompute what must hold of orders, clearings and trades, and tell every row where it does not."""

from collections.abc import AsyncIterator, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market import delivery_rules

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
    "a clearing's energy is that of its trades, and what is bought in a batch is sold in it": """
        SELECT clearing.id, clearing.bought_ukwh, bought.energy_ukwh AS traded_in,
               clearing.sold_ukwh, sold.energy_ukwh AS traded_out
        FROM clearing FULL JOIN (
            SELECT clearing_id AS id, market_id, sum(energy_ukwh) AS energy_ukwh FROM trade
            GROUP BY clearing_id, market_id) AS bought USING (id, market_id)
        FULL JOIN (
            SELECT trade.seller_market_id AS market_id, trade.delivery_start, clearing.batch,
                   sum(trade.energy_ukwh) AS energy_ukwh
            FROM trade JOIN clearing ON clearing.id = trade.clearing_id
            GROUP BY trade.seller_market_id, trade.delivery_start, clearing.batch) AS sold
            ON (sold.market_id, sold.delivery_start, sold.batch)
             = (clearing.market_id, clearing.delivery_start, clearing.batch)
        WHERE coalesce(bought.energy_ukwh, 0) IS DISTINCT FROM clearing.bought_ukwh
           OR coalesce(sold.energy_ukwh, 0) IS DISTINCT FROM clearing.sold_ukwh""",
    "each side trades within its limit, by the pricing of its market": """
        SELECT trade.id, trade.price_ueur_per_kwh, price_b, buy.limit_price_ueur_per_kwh AS bid,
               trade.seller_price_ueur_per_kwh, price_s, sell.limit_price_ueur_per_kwh AS ask, pricing
        FROM trade JOIN market_order AS buy ON buy.id = buy_order_id
        JOIN market_order AS sell ON sell.id = sell_order_id
        JOIN clearing AS bought ON bought.id = clearing_id
        LEFT JOIN clearing AS sold ON (sold.market_id, sold.delivery_start, sold.batch)
             = (trade.seller_market_id, trade.delivery_start, bought.batch)
        CROSS JOIN LATERAL (SELECT
            coalesce((bought.class_prices ->> buy.accepts)::bigint, bought.price_ueur_per_kwh) AS price_b,
            coalesce((sold.class_prices ->> coalesce(sell.source, 'LOCAL'))::bigint,
                     sold.price_ueur_per_kwh) AS price_s,
            CASE bought.parameters ->> 'pricing' WHEN sold.parameters ->> 'pricing'
                THEN bought.parameters ->> 'pricing' ELSE 'UNIFORM' END AS pricing) AS uniform
        WHERE trade.price_ueur_per_kwh > buy.limit_price_ueur_per_kwh
           OR trade.seller_price_ueur_per_kwh < sell.limit_price_ueur_per_kwh
           OR trade.price_ueur_per_kwh - trade.seller_price_ueur_per_kwh IS DISTINCT FROM price_b - price_s
           OR price_b < price_s
           OR NOT CASE pricing
              WHEN 'UNIFORM' THEN trade.price_ueur_per_kwh = price_b
              WHEN 'PAY_AS_BID' THEN trade.price_ueur_per_kwh = buy.limit_price_ueur_per_kwh
              ELSE buy.limit_price_ueur_per_kwh - trade.price_ueur_per_kwh
                   = trade.seller_price_ueur_per_kwh - sell.limit_price_ueur_per_kwh END""",
    "a buyer gets what it accepts, and all but any energy from its own market": """
        SELECT trade.id, accepts, trade.source, trade.market_id, seller_market_id
        FROM trade JOIN market_order AS buy ON buy.id = buy_order_id
        WHERE accepts <> 'ANY' AND (trade.market_id <> seller_market_id OR NOT CASE accepts
            WHEN 'LOCAL' THEN true
            WHEN 'GREEN' THEN coalesce(trade.source IN ('SOLAR', 'WIND', 'HYDRO', 'BIOMASS'), false)
            ELSE trade.source IS NOT DISTINCT FROM accepts END)""",
    "surpluses and rents of linked markets are within the welfare of their clearing, and that in its bound": """
        SELECT batch, delivery_start, max(bound_ueur) AS bound, sum(welfare_ueur + congestion_rent_ueur) AS found
        FROM clearing WHERE parameters ? 'objective_ueur'
        GROUP BY batch, delivery_start, input_digest
        HAVING min(bound_ueur) <> max(bound_ueur) OR min(congestion_rent_ueur) < 0
            OR max((parameters ->> 'objective_ueur')::bigint) > max(bound_ueur)
            OR sum(welfare_ueur + congestion_rent_ueur)
               > max((parameters ->> 'objective_ueur')::bigint) + count(*)""",
    "a trade joins a buy and a sell order of two owners, in their markets and delivery": """
        SELECT trade.id, buyer_id, seller_id, buy.side AS buy_side, sell.side AS sell_side
        FROM trade JOIN market_order AS buy ON buy.id = buy_order_id
        JOIN market_order AS sell ON sell.id = sell_order_id
        WHERE buyer_id = seller_id OR buy.side <> 'BUY' OR sell.side <> 'SELL'
           OR (buyer_id, seller_id, trade.market_id, seller_market_id)
              <> (buy.owner_id, sell.owner_id, buy.market_id, sell.market_id)
           OR trade.delivery_start < greatest(buy.delivery_start, sell.delivery_start)
           OR trade.delivery_end > least(buy.delivery_end, sell.delivery_end)""",
    "a clearing price lies within the prices that balance its market": """
        SELECT id, price_low_ueur_per_kwh, price_ueur_per_kwh, price_high_ueur_per_kwh FROM clearing
        WHERE NOT price_ueur_per_kwh BETWEEN price_low_ueur_per_kwh AND price_high_ueur_per_kwh""",
    "what is held of a user is what its orders hold": """
        SELECT coalesce(account.owner_id, ordered.owner_id) AS owner_id, account.balance_ueur AS stored,
               coalesce(ordered.held_ueur, 0) AS ordered
        FROM account FULL JOIN (
            SELECT owner_id, sum(held_ueur) AS held_ueur FROM market_order GROUP BY owner_id) AS ordered
            ON ordered.owner_id = account.owner_id
        WHERE (account.kind = 'HELD' OR account.kind IS NULL)
          AND account.balance_ueur IS DISTINCT FROM coalesce(ordered.held_ueur, 0)""",
    "a statement is the sum of its lines": """
        SELECT stated.id, stated.ledger_ueur, summed.ledger_ueur AS of_lines, stated.net_cents,
               summed.net_cents AS cents_of_lines
        FROM account_statement AS stated LEFT JOIN (
            SELECT statement_id, sum(net_ueur + vat_ueur) AS ledger_ueur, sum(net_cents) AS net_cents,
                   sum(vat_cents) AS vat_cents
            FROM statement_line GROUP BY statement_id) AS summed ON summed.statement_id = stated.id
        WHERE (stated.ledger_ueur, stated.net_cents, stated.vat_cents)
              IS DISTINCT FROM (summed.ledger_ueur, summed.net_cents, summed.vat_cents)""",
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule of orders, clearings and trades, with the rule."""
    async for breach in _broken(session, RULES):
        yield breach


async def delivery_breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule of deliveries, settlements and certificates, with the rule."""
    async for breach in _broken(session, delivery_rules.RULES):
        yield breach


async def _broken(session: AsyncSession, rules: Mapping[str, str]) -> AsyncIterator[str]:
    for rule, query in rules.items():
        async for row in await session.stream(text(query)):
            facts = ", ".join(f"{name} {value}" for name, value in row._mapping.items())
            yield f"{rule}: {facts}"
