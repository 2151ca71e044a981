"""Gus's energy reached Bob, was settled and certified; Gus kept a Wh that rounding left."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.intervals import floor_to
from domain.market.clearing.tables import Trade
from domain.market.delivery import certificates, hours, recording, settlement
from domain.market.delivery.settlement import Delivered
from domain.market.delivery.tables import CertificateHolding, TradeDelivery
from tests.api.authorization.world import World
from tests.factories.market import now


async def add_rows(session: AsyncSession, world: World) -> None:
    """The one trade of the world, as if all of it had been metered."""
    trade = await session.get_one(Trade, world.rows["Trade"]["gus to bob"])
    hour = await hours.read(session, floor_to(trade.delivery_start, 60))
    settled = list(settlement.settle(hour, [Delivered(trade.energy_ukwh, 0, 0)]))
    held = await recording.hold(session, hour, recording.ready(settled, {}, actor="test", now=now()))
    await recording.record(session, hour, held)
    await certificates.certify(session, hour.starts_at, actor="test", now=now())
    delivered = await session.scalars(select(TradeDelivery.id).where(TradeDelivery.trade_id == trade.id))
    world.keep("TradeDelivery", "gus to bob", delivered.one())
    names = {world.rows["User"][name]: f"{name}'s" for name in ("gus", "bob")}
    columns = CertificateHolding.id, CertificateHolding.owner_id
    holdings = await session.execute(select(*columns).where(CertificateHolding.owner_id.in_(names)))
    for row in holdings:
        world.keep("Certificate", names[row.owner_id], row.id)
