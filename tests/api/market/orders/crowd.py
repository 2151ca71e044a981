"""Orders of the first user: one to buy and fifty to sell in the first market, one to buy in each other."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.market.orders.tables import Order, OrderInterval
from domain.market.places.tables import Market, OrderSide
from tests.api.crowd import MANY, START, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Orders with their intervals."""
    owner_id, *_ = await ids(session, User)
    first, *others = await ids(session, Market)
    terms = {"energy_ukwh": 1_000, "limit_price_ueur_per_kwh": 100}
    window = {"delivery_start": START, "delivery_end": START + timedelta(minutes=15)}
    placed = [(first, OrderSide.BUY), *[(first, OrderSide.SELL)] * MANY, *((id, OrderSide.BUY) for id in others)]
    orders = await stored(
        session, [Order(market_id=id, owner_id=owner_id, side=side, **terms, **window) for id, side in placed]
    )
    for order in orders:
        whose = {"order_id": order.id, "market_id": order.market_id}
        session.add(OrderInterval(delivery_start=START, energy_ukwh=1_000, **whose))
    await session.flush()
