"""The order book: what is open, read for a clearing or shown as price levels without names."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.kernel.database import among
from domain.market.clearing.tables import Clearing
from domain.market.orders.tables import Acceptance, Order, OrderFilling, OrderInterval
from domain.market.places.markets import Coupling
from domain.market.places.tables import EnergySource, OrderSide


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """What is open of an order in one delivery interval.

    minimum_fill_ukwh: the order's, of which filled_ukwh counts. elsewhere_ukwh: of a flexible order, what is filled in
    its other intervals; 0 of others.
    """

    order_id: UUID
    delivery_start: datetime
    market_id: UUID
    owner_id: UUID
    side: OrderSide
    limit_price_ueur_per_kwh: int
    sequence: int
    energy_ukwh: int
    filled_ukwh: int
    source: EnergySource | None
    accepts: Acceptance = Acceptance.ANY
    filling: OrderFilling = OrderFilling.PER_INTERVAL
    minimum_fill_ukwh: int = 0
    elsewhere_ukwh: int = 0

    @property
    def open_ukwh(self) -> int:
        """Energy that may still be filled here."""
        return self.energy_ukwh - self.filled_ukwh - self.elsewhere_ukwh

    @property
    def minimum_ukwh(self) -> int:
        """What the next fill must reach; 0 where any will do."""
        return max(0, min(self.minimum_fill_ukwh - self.filled_ukwh, self.open_ukwh))


@dataclass(frozen=True, slots=True)
class NetExport:
    """What earlier clearings sold out of a market (negative: into it) in a delivery interval."""

    market_id: UUID
    delivery_start: datetime
    energy_ukwh: int


@dataclass(frozen=True, slots=True)
class Book:
    """All that a clearing depends on: read once, cleared, and recorded if the orders it fills are still so."""

    coupling: Coupling
    open: tuple[OpenInterval, ...]
    exported: tuple[NetExport, ...]

    @property
    def text(self) -> bytes:
        """The canonical text of the book, JSON: all that a clearing depends on, and enough to repeat it."""
        content = {
            "zones": self.coupling.zone_ids,
            "markets": [
                (market.id, market.zone_id, market.pricing, market.version) for market in self.coupling.markets
            ],
            "links": self.coupling.links,
            "halted": sorted(self.coupling.halted_zone_ids),
            "open": self.open,
            "exported": self.exported,
        }
        return orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text of the book, in hexadecimal digits; a clearing keeps it."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True, slots=True)
class Level:
    """Open energy at one limit price, of at least one order; never says whose."""

    side: OrderSide
    limit_price_ueur_per_kwh: int
    energy_ukwh: int


async def read(session: AsyncSession, coupling: Coupling, *, now: datetime) -> Book:
    """The open orders of linked markets for deliveries after now, sorted by delivery and arrival.

    Those of halted zones are left out; what was sold to and from there before is not.
    """
    rows = (
        select(
            OrderInterval.order_id,
            OrderInterval.delivery_start,
            OrderInterval.market_id,
            Order.owner_id,
            Order.side,
            Order.limit_price_ueur_per_kwh,
            Order.sequence,
            OrderInterval.energy_ukwh,
            OrderInterval.filled_ukwh,
            Order.source,
            Order.accepts,
            Order.filling,
            Order.minimum_fill_ukwh,
            _elsewhere_ukwh().label("elsewhere_ukwh"),
        )
        .join(Order, Order.id == OrderInterval.order_id)
        .where(among(OrderInterval.market_id, coupling.trading_ids), OrderInterval.is_open, ~Order.is_auctioned)
        .where(OrderInterval.delivery_start > now)
        .order_by(OrderInterval.delivery_start, Order.sequence)
    )
    sold: Any = func.sum(Clearing.sold_ukwh - Clearing.bought_ukwh)
    exported = (
        select(Clearing.market_id, Clearing.delivery_start, sold.label("energy"))
        .where(among(Clearing.market_id, coupling.market_ids), Clearing.delivery_start > now)
        .group_by(Clearing.market_id, Clearing.delivery_start)
        .having(sold != 0)
        .order_by(Clearing.delivery_start, Clearing.market_id)
    )
    return Book(
        coupling=coupling,
        open=tuple(OpenInterval(**row) for row in (await session.execute(rows)).mappings()),
        exported=tuple(
            NetExport(row.market_id, row.delivery_start, int(row.energy)) for row in await session.execute(exported)
        ),
    )


def _elsewhere_ukwh() -> Any:
    """What a flexible order was filled in its other intervals; 0 of others."""
    elsewhere = Order.filled_ukwh - OrderInterval.filled_ukwh
    return case((Order.filling == OrderFilling.FLEXIBLE, elsewhere), else_=0)


def open_levels() -> Select[Any]:
    """Open energy by market, delivery, side and limit price: of all that may be cleared, to be narrowed down."""
    price = Order.limit_price_ueur_per_kwh.label("price")
    level = (OrderInterval.market_id, OrderInterval.delivery_start, Order.side, price)
    open_ukwh = func.sum(OrderInterval.energy_ukwh - OrderInterval.filled_ukwh - _elsewhere_ukwh())
    return (
        select(*level, open_ukwh.label("energy"))
        .join(Order, Order.id == OrderInterval.order_id)
        .where(OrderInterval.is_open, ~Order.is_auctioned)
        .group_by(*level)
    )


async def levels(
    connection: AsyncConnection, market_ids: Collection[UUID], delivery_start: datetime, depth: int
) -> dict[UUID, list[Level]]:
    """The best `depth` price levels of each side of each market for one delivery interval, best first."""
    here = among(OrderInterval.market_id, market_ids), OrderInterval.delivery_start == delivery_start
    level = open_levels().where(*here).subquery()
    badness = case((level.c.side == OrderSide.BUY, -level.c.price), else_=level.c.price)
    place = func.row_number().over(partition_by=(level.c.market_id, level.c.side), order_by=badness).label("place")
    ranked = select(level, place).subquery()
    query = select(ranked).where(ranked.c.place <= depth).order_by(ranked.c.market_id, ranked.c.side, ranked.c.place)
    found: dict[UUID, list[Level]] = {market_id: [] for market_id in market_ids}
    for row in await connection.execute(query):
        found[row.market_id].append(Level(row.side, row.price, int(row.energy)))
    return found


def side_of(levels: Sequence[Level], side: OrderSide) -> list[Level]:
    """The levels of one side, best first."""
    return [level for level in levels if level.side is side]
