"""Bob buys, Gus sells what Bob pays for, and Ada bids too low."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.places.tables import EnergySource
from tests.api.authorization.world import World
from tests.factories.market import BUY, SELL, an_order


async def add_rows(session: AsyncSession, world: World) -> None:
    """Their orders in the north."""
    market_id = world.rows["Market"]["north"]
    for name, side, price in (("bob", BUY, "0.3"), ("gus", SELL, "0.1"), ("ada", BUY, "0.01")):
        owner = Viewer(user_id=world.rows["User"][name])
        source = EnergySource.SOLAR if side is SELL else None
        order_id = await an_order(session, owner, market_id, side, price=price, source=source)
        world.keep("Order", f"{name}'s", order_id)
