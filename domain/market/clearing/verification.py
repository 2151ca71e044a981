"""What must hold of clearings and trades, as queries for the rows where it does not."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import broken

GUARDS = "I1 energy, market"

# Each query gives the rows that break the sentence before it: an id, and what is stored against what should be.
RULES: dict[str, str] = {
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
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule, with the rule."""
    async for breach in broken(session, RULES):
        yield breach
