"""Dutch auctions of the demo: the wind park offers wind an hour ahead under a clock, and homes bid."""

import contextlib
import random
from datetime import timedelta

from sqlalchemy import select

from api.demo.trading import HOMES, PLANTS, QUARTER, market_of, part_ukwh, viewer_of
from api.resources import clock
from api.resources.database import Database
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period, floor_to
from domain.kernel.quantities import TICK_UEUR_PER_KWH, parse_micro
from domain.market.auctions import auctions, bids
from domain.market.auctions.auctions import Descent
from domain.market.auctions.bids import NewBid
from domain.market.auctions.tables import AuctionStatus, DutchAuction
from domain.market.orders.tables import Order
from domain.market.places.tables import EnergySource

DESCENT = Descent(parse_micro("0.18"), parse_micro("0.06"), parse_micro("0.01"), step_seconds=30)
AHEAD = timedelta(hours=1)


async def offer(database: Database) -> None:
    """Offer a part of the wind of a quarter-hour, once for each."""
    now = clock.outside().replace(microsecond=0)
    start = floor_to(now, 15) + AHEAD
    (park,) = (plant for plant in PLANTS if plant.person.source is EnergySource.WIND)
    energy_ukwh, delivery = part_ukwh(park, start), Period(start, start + QUARTER)
    if energy_ukwh <= 0:
        return
    with contextlib.suppress(DomainError):  # It was offered before a restart.
        async with database.transaction() as session:
            key, viewer, market_id = (
                f"demo-{start:%Y%m%d%H%M}",
                await viewer_of(session, park),
                await market_of(session, park),
            )
            await auctions.open_auction(
                session, viewer, key, market_id, energy_ukwh, delivery, DESCENT, source=EnergySource.WIND, now=now
            )


async def bid(database: Database, chance: random.Random) -> None:
    """A home bids for a part of what it needs in an auction that is open, if the clock has come down to its limit."""
    now, bidder = clock.outside(), chance.choice(HOMES)
    limit_ueur_per_kwh = chance.randrange(800, 1_600) * TICK_UEUR_PER_KWH
    with contextlib.suppress(DomainError):  # The clock stands higher, or less is left.
        async with database.transaction() as session:
            query = select(DutchAuction.id, Order.delivery_start).join(Order, Order.id == DutchAuction.order_id)
            is_open = DutchAuction.status == AuctionStatus.OPEN
            found = (await session.execute(query.where(is_open).order_by(DutchAuction.id).limit(1))).first()
            needed_ukwh = 0 if found is None else -part_ukwh(bidder, found.delivery_start)
            if found is None or needed_ukwh <= 0:
                return
            viewer, new = await viewer_of(session, bidder), NewBid(found.id, needed_ukwh, limit_ueur_per_kwh)
            await bids.bid(session, viewer, f"demo-{found.id}", new, now=now)
