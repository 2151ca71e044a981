"""Why each order got what it got: by price, then time, told without any of our own solver.

In each zone and quarter-hour a sell order with a limit below the price is filled, one above it is not, and at the price
time decides; buy orders the other way round. Between the zones the prices differ by the cost of the link while it is
used and not full, by no less once it is full, and by no more while it is idle. Where somebody has orders on both sides
of an interval, part of them may go without, because nobody trades with itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.acceptance.arithmetic import micro
from tests.acceptance.traded_day import Placed


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as an administrator sees it."""

    id: str
    start: datetime
    energy_ukwh: int
    buy_id: str
    sell_id: str
    price_ueur: int
    seller_price_ueur: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A clearing: what one zone did in one quarter-hour."""

    zone: str
    start: datetime
    price_ueur: int
    bought_ukwh: int
    sold_ukwh: int
    batch: str

    @property
    def exported_ukwh(self) -> int:
        """What left the zone; negative where energy came in."""
        return self.sold_ukwh - self.bought_ukwh


@dataclass(frozen=True, slots=True)
class Share:
    """An order in one quarter-hour and what it got there."""

    order: Placed
    filled_ukwh: int

    @property
    def is_full(self) -> bool:
        return self.filled_ukwh == self.order.energy_ukwh


def trade_of(node: Any) -> Trade:
    """A trade from the API's words."""
    return Trade(
        id=node["id"],
        start=datetime.fromisoformat(node["deliveryStart"]),
        energy_ukwh=micro(node["energyKwh"]),
        buy_id=node["buyOrder"]["id"],
        sell_id=node["sellOrder"]["id"],
        price_ueur=micro(node["price"]),
        seller_price_ueur=micro(node["sellerPrice"]),
    )


def cell_of(zone: str, node: Any) -> Cell:
    """A clearing from the API's words."""
    return Cell(
        zone=zone,
        start=datetime.fromisoformat(node["deliveryStart"]),
        price_ueur=micro(node["price"]),
        bought_ukwh=micro(node["boughtKwh"]),
        sold_ukwh=micro(node["soldKwh"]),
        batch=node["batchOpenedAt"],
    )


def shares_by_start(orders: Iterable[Placed], trades: Iterable[Trade]) -> dict[datetime, list[Share]]:
    """What each order got in each quarter-hour, in the order of placement."""
    filled: dict[tuple[str, datetime], int] = defaultdict(int)
    for trade in trades:
        for id in (trade.buy_id, trade.sell_id):
            filled[id, trade.start] += trade.energy_ukwh
    shares: dict[datetime, list[Share]] = defaultdict(list)
    for order in orders:
        for start in order.starts:
            shares[start].append(Share(order, filled[order.id, start]))
    return shares


def lead_ueur(order: Placed, price_ueur: int) -> int:
    """How much better than the price the limit is: positive is served, negative is not."""
    return price_ueur - order.limit_ueur if order.side == "SELL" else order.limit_ueur - price_ueur


def passed_over(cell: Cell, shares: Sequence[Share]) -> list[Share]:
    """Orders of one zone and quarter-hour that are not full although price and time would serve them."""
    here = [share for share in shares if share.order.zone == cell.zone]
    found = []
    for number, share in enumerate(here):
        lead = lead_ueur(share.order, cell.price_ueur)
        later = [one for one in here[number + 1 :] if _is_alike(one, share) and one.filled_ukwh]
        if not share.is_full and (lead > 0 or (lead == 0 and later)):
            found.append(share)
    return found


def outpriced_and_filled(cell: Cell, shares: Sequence[Share]) -> list[Share]:
    """Orders of one zone and quarter-hour that got something beyond their limit."""
    here = [share for share in shares if share.order.zone == cell.zone]
    return [share for share in here if share.filled_ukwh and lead_ueur(share.order, cell.price_ueur) < 0]


def _is_alike(one: Share, other: Share) -> bool:
    return (one.order.side, one.order.limit_ueur) == (other.order.side, other.order.limit_ueur)


def is_on_both_sides(share: Share, shares: Iterable[Share]) -> bool:
    """Whether the owner of an order also has one on the other side of the quarter-hour."""
    return any(one.order.owner == share.order.owner and one.order.side != share.order.side for one in shares)


def could_still_trade(
    shares: Sequence[Share], left_ukwh: Mapping[tuple[str, str], int], cost_ueur: int
) -> list[tuple[Share, Share]]:
    """Open sells and buys of different owners that would both gain, over a link with room where zones differ."""
    sells = [one for one in shares if one.order.side == "SELL" and not one.is_full]
    buys = [one for one in shares if one.order.side == "BUY" and not one.is_full]
    return [
        (sell, buy)
        for sell in sells
        for buy in buys
        if sell.order.owner != buy.order.owner
        and (sell.order.zone == buy.order.zone or left_ukwh[sell.order.zone, buy.order.zone] > 0)
        and buy.order.limit_ueur - sell.order.limit_ueur > (0 if sell.order.zone == buy.order.zone else cost_ueur)
    ]
