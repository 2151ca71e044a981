"""Clearings: fifty of the first market and one of each other; in the first of them one buyer had fifty sellers."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders.tables import Order
from domain.market.places.tables import Market
from tests.api.crowd import MANY, START, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Clearings and trades."""
    first, *others = await ids(session, Market)
    prices = {f"price{name}_ueur_per_kwh": 100 for name in ("", "_low", "_high")}
    counted = {"bought_ukwh": 1_000, "sold_ukwh": 1_000, "welfare_ueur": 0, "orders_count": 2, "input_digest": "x"}
    batches = [(first, batch) for batch in range(MANY)] + [(id, 0) for id in others]
    clearings = await stored(
        session,
        [Clearing(market_id=id, delivery_start=START, batch=batch, **prices, **counted) for id, batch in batches],
    )
    where = {"market_id": first, "seller_market_id": first, "clearing_id": clearings[0].id}
    window = {"delivery_start": START, "delivery_end": START + timedelta(minutes=15)}
    terms = {"energy_ukwh": 1_000, "price_ueur_per_kwh": 100, "seller_price_ueur_per_kwh": 100}
    buyer_id, seller_id, *_ = await ids(session, User)
    buy_id, *sells = await ids(session, Order)
    sides = {"buy_order_id": buy_id, "buyer_id": buyer_id, "seller_id": seller_id}
    await stored(session, [Trade(sell_order_id=id, **sides, **where, **window, **terms) for id in sells[:MANY]])
