"""Alerts of the first user in the first market."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.market.places.tables import Market
from domain.market.prices.tables import AlertDirection, PriceAlert
from tests.api.crowd import MANY, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty."""
    owner_id, *_ = await ids(session, User)
    market_id, *_ = await ids(session, Market)
    terms = {"direction": AlertDirection.ABOVE, "threshold_ueur_per_kwh": 100, "after_sequence": 0}
    await stored(session, [PriceAlert(owner_id=owner_id, market_id=market_id, **terms) for _ in range(MANY)])
