"""Fills: the energy that a batch's pairs give to each order in each delivery interval, held first and then stored."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.sql import Statement
from domain.kernel.writing import Rows
from domain.market.clearing.book import OpenInterval
from domain.market.clearing.trades import Pairing
from domain.market.orders import orders
from domain.market.orders.tables import OrderInterval


class Fill(NamedTuple):
    """An interval of an order as it was read, and the energy that it gets or gives beyond that, micro-kWh."""

    read: OpenInterval
    energy_ukwh: int


Fills = Mapping[tuple[UUID, datetime], Fill]  # By order and delivery, sorted.


class FillRow(NamedTuple):
    """A fill as it is sent: what is filled beyond what was."""

    order_id: UUID
    delivery_start: datetime
    filled_ukwh: int


class HeldInterval(NamedTuple):
    """What is filled of an order in one delivery interval, and whether it is open."""

    order_id: UUID
    delivery_start: datetime
    filled_ukwh: int
    is_open: bool


def of(pairings: Iterable[Pairing]) -> Fills:
    """What pairs fill."""
    filled: dict[tuple[UUID, datetime], Fill] = {}
    for pairing in pairings:
        for side in (pairing.sell, pairing.buy):
            key = side.order_id, side.delivery_start
            before = filled[key].energy_ukwh if key in filled else 0
            filled[key] = Fill(side, before + pairing.energy_ukwh)
    return dict(sorted(filled.items()))


async def are_as_read(session: AsyncSession, fills: Fills) -> bool:
    """Lock the orders that are filled; whether what is filled of them is open, and as it was read."""
    await orders.lock(session, {order_id for order_id, _ in fills})
    given = {"ids": [order_id for order_id, _ in fills], "starts": [start for _, start in fills]}
    held = {(row.order_id, row.delivery_start): row for row in await HELD.rows(session, given)}
    return all(
        key in held and held[key].is_open and held[key].filled_ukwh == fill.read.filled_ukwh
        for key, fill in fills.items()
    )


async def store(session: AsyncSession, fills: Fills) -> list[UUID]:
    """Fill intervals of locked orders; gives the orders, which are to be restated, sorted."""
    await FILL.rows(session, FILLED.values([FillRow(*key, fill.energy_ukwh) for key, fill in fills.items()]))
    return sorted({order_id for order_id, _ in fills})


FILLED = Rows("fill", FillRow, OrderInterval)
HELD = Statement("""
    SELECT order_id, delivery_start, filled_ukwh, is_open
    FROM order_interval JOIN unnest(CAST(:ids AS uuid[]), CAST(:starts AS timestamptz[]))
         AS wanted (order_id, delivery_start) USING (order_id, delivery_start)
""").into(HeldInterval)
FILL = Statement(f"""
    UPDATE order_interval SET
        filled_ukwh = order_interval.filled_ukwh + fill.filled_ukwh,
        is_open = order_interval.filled_ukwh + fill.filled_ukwh < order_interval.energy_ukwh
    FROM {FILLED.relation}
    WHERE order_interval.order_id = fill.order_id AND order_interval.delivery_start = fill.delivery_start
    RETURNING 1
""")  # noqa: S608 - made of constants.
