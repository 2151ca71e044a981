"""A batch that fills more orders than a statement takes arguments."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.intervals import floor_to
from domain.market.clearing.tables import Trade
from domain.market.orders.tables import Order, OrderStatus
from tests.domain.market.clearing.batches import clear
from tests.factories.identity import a_user
from tests.factories.market import a_market

PAIRS = 20_000  # 40,000 orders are filled; a statement takes 32,767 arguments.
ORDERS = text("""
    WITH made AS (
        INSERT INTO market_order (id, market_id, owner_id, side, energy_ukwh, limit_price_ueur_per_kwh, delivery_start,
                                  delivery_end, accepts, filling)
        SELECT gen_random_uuid(), :market, owner_id, side, 1000, 0, :start, :end, 'ANY', 'PER_INTERVAL'
        FROM generate_series(1, :pairs),
             (VALUES ('BUY', CAST(:buyer AS uuid)), ('SELL', CAST(:seller AS uuid))) AS party (side, owner_id)
        RETURNING id, market_id, delivery_start, energy_ukwh)
    INSERT INTO order_interval (order_id, market_id, delivery_start, energy_ukwh)
    SELECT id, market_id, delivery_start, energy_ukwh FROM made
""")


async def many_orders(session: AsyncSession, market: UUID) -> None:
    """Orders of two owners over 1 Wh each at no price, so that no money is held for them."""
    buyer, seller = await a_user(session), await a_user(session)
    start = floor_to(datetime.now(UTC) + timedelta(hours=2), 15)
    given = {"market": market, "buyer": buyer.id, "seller": seller.id, "pairs": PAIRS}
    await session.execute(ORDERS, given | {"start": start, "end": start + timedelta(minutes=15)})


async def test_a_batch_that_fills_forty_thousand_orders_is_recorded(session: AsyncSession) -> None:
    market = await a_market(session)
    await many_orders(session, market)

    assert await clear(session, market)

    trades, energy = (await session.execute(select(func.count(), func.sum(Trade.energy_ukwh)))).one()
    filled = await session.scalar(select(func.count()).where(Order.status == OrderStatus.FILLED))
    assert (int(energy), filled) == (PAIRS * 1_000, 2 * PAIRS)
    assert trades >= PAIRS
