"""What settlements left in the database."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market.clearing.tables import Trade
from domain.market.delivery.tables import TradeDelivery
from domain.market.places.tables import Market
from tests.factories.deliveries import Party, a_party, injected, withdrew


async def terms(session: AsyncSession, market_id: UUID, **terms: int) -> None:
    """Change what a market asks for, as if before anything was traded."""
    market = await session.get_one(Market, market_id)
    for name, value in terms.items():
        setattr(market, name, value)
    await session.flush()


async def versions(session: AsyncSession, trade: Trade) -> list[tuple[int, int, int, int]]:
    """Version, delivered, short of the seller, short of the buyer."""
    query = (
        select(
            TradeDelivery.version,
            TradeDelivery.delivered_ukwh,
            TradeDelivery.seller_short_ukwh,
            TradeDelivery.buyer_short_ukwh,
        )
        .where(TradeDelivery.trade_id == trade.id)
        .order_by(TradeDelivery.version)
    )
    return [(a, b, c, d) for a, b, c, d in await session.execute(query)]


async def the_pair(session: AsyncSession, sold: str | None = "1", bought: str | None = "1") -> tuple[Party, Party]:
    """A seller and a buyer with what they injected and withdrew from noon on; None: not read yet."""
    seller, buyer = await a_party(session), await a_party(session)
    for party, inject, withdraw in ((seller, sold, "0"), (buyer, "0", bought)):
        if inject is not None:
            await injected(session, party, inject)
        if withdraw is not None:
            await withdrew(session, party, withdraw)
    return seller, buyer
