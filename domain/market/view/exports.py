"""A person's own orders, trades and sums as rows of cells for a file, a page at a time, in a steady order.

Rows are those that the lists of the API show to the same viewer. Pages are read one after another, each by what comes
after the last row of the one before: whoever takes a file slowly holds no connection meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import Select, Text, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period
from domain.kernel.quantities import amount_ueur
from domain.market.clearing import visibility as clearing_visibility
from domain.market.clearing.tables import Trade
from domain.market.orders import visibility
from domain.market.orders.tables import Order
from domain.market.places.tables import Market
from domain.market.rules.tables import TradingRule
from domain.market.view.history import DAYS_MAX, Bucket

PAGE = 1_000

Cell: TypeAlias = str | datetime | Decimal | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Named columns, and how to read the rows under them: a statement for those after a key, and each row's cells."""

    name: str
    columns: tuple[str, ...]
    after: Callable[[Any], Select[Any]]
    key: Callable[[Any], Any]
    cells: Callable[[Any], list[Cell]]

    async def page(self, connection: AsyncConnection, key: Any = None) -> tuple[list[list[Cell]], Any]:
        """The rows after a key, and the key of the last one; None when there are no more."""
        rows = (await connection.execute(self.after(key).limit(PAGE))).all()
        return [self.cells(row) for row in rows], self.key(rows[-1]) if len(rows) == PAGE else None

    async def count(self, connection: AsyncConnection, most: int) -> int:
        """How many rows there are, at most one more than asked about."""
        some = self.after(None).order_by(None).limit(most + 1).subquery()
        return (await connection.execute(select(func.count()).select_from(some))).scalar_one()


def trades(viewer: Viewer, period: Period) -> Listing:
    """Own trades whose delivery begins in a period, once for each side that is the viewer's, earliest delivery first.

    Raises InvalidValue.
    """
    check(period)
    columns = ("delivery start", "delivery end", "side", "market", "energy kWh", "price EUR/kWh", "amount EUR")
    more = ("source", "traded at", "trade", "order")

    def after(key: Any) -> Select[Any]:
        parts = [_of_side(viewer, period, side) for side in ("BUY", "SELL")]
        both = parts[0].union_all(parts[1]).subquery()
        place = (both.c.delivery_start, both.c.id, both.c.side)
        query = select(both).order_by(*place)
        if key is None:
            return query
        # The first condition finds the page in an index, the second one its place.
        return query.where(both.c.delivery_start >= key[0], tuple_(*place) > tuple_(*map(literal, key)))

    return Listing("trades", (*columns, *more), after, lambda row: (row.delivery_start, row.id, row.side), _trade)


def orders(viewer: Viewer, period: Period) -> Listing:
    """Own orders that deliver in a period, oldest first. Raises InvalidValue."""
    check(period)
    columns = ("placed at", "side", "status", "market", "energy kWh", "filled kWh", "limit price EUR/kWh")
    more = ("delivery start", "delivery end", "source", "trading rule", "closed at", "order")
    query = (
        select(*(getattr(Order, name) for name in ORDER), Market.name.label("market"), TradingRule.name.label("rule"))
        .join(Market, Market.id == Order.market_id)
        .outerjoin(TradingRule, TradingRule.id == Order.rule_id)
        .where(visibility.own_orders(viewer), Order.delivery_start < period.end, Order.delivery_end > period.start)
        .order_by(Order.id)
    )
    return Listing(
        "orders",
        (*columns, *more),
        lambda key: query if key is None else query.where(Order.id > key),
        lambda row: row.id,
        _order,
    )


SUMS = (
    "from",
    "to",
    "bought kWh",
    "sold kWh",
    "net kWh",
    "paid EUR",
    "received EUR",
    "savings EUR",
    "earnings EUR",
    "delivered in kWh",
    "delivered out kWh",
    "settled paid EUR",
    "settled received EUR",
)


def sums(buckets: Sequence[Bucket]) -> list[list[Cell]]:
    """Statistics as rows under SUMS."""
    return [
        [
            each.period.start,
            each.period.end,
            *map(
                _decimal,
                (
                    each.sums.bought_ukwh,
                    each.sums.sold_ukwh,
                    each.sums.net_ukwh,
                    each.sums.paid_ueur,
                    each.sums.received_ueur,
                    each.sums.savings_ueur,
                    each.sums.earnings_ueur,
                    each.sums.delivered_in_ukwh,
                    each.sums.delivered_out_ukwh,
                    each.sums.settled_paid_ueur,
                    each.sums.settled_received_ueur,
                ),
            ),
        ]
        for each in buckets
    ]


def check(period: Period) -> None:
    """Raise InvalidValue for a period that is too long."""
    if period.end - period.start > timedelta(days=DAYS_MAX):
        raise InvalidValue(("period",), f"The period is longer than {DAYS_MAX} days.")


ORDER = (
    "id",
    "side",
    "status",
    "energy_ukwh",
    "filled_ukwh",
    "limit_price_ueur_per_kwh",
    "delivery_start",
    "delivery_end",
    "source",
    "placed_at",
    "closed_at",
)


def _of_side(viewer: Viewer, period: Period, side: str) -> Any:
    is_purchase, market = side == "BUY", aliased(Market)
    party, market_id = (Trade.buyer_id, Trade.market_id) if is_purchase else (Trade.seller_id, Trade.seller_market_id)
    price = Trade.price_ueur_per_kwh if is_purchase else Trade.seller_price_ueur_per_kwh
    return (
        select(
            Trade.delivery_start,
            Trade.delivery_end,
            literal(side, Text()).label("side"),
            market.name.label("market"),
            Trade.energy_ukwh,
            price.label("price_ueur_per_kwh"),
            Trade.source,
            Trade.created_at,
            Trade.id,
            (Trade.buy_order_id if is_purchase else Trade.sell_order_id).label("order_id"),
        )
        .join(market, market.id == market_id)
        .where(clearing_visibility.own_trades(viewer, party))
        .where(Trade.delivery_start >= period.start, Trade.delivery_start < period.end)
    )


def _trade(row: Any) -> list[Cell]:
    amount = amount_ueur(row.energy_ukwh, row.price_ueur_per_kwh)
    numbers = map(_decimal, (row.energy_ukwh, row.price_ueur_per_kwh, amount))
    source = row.source and row.source.value
    ids = (f"Trade:{row.id}", f"Order:{row.order_id}")
    return [row.delivery_start, row.delivery_end, row.side, row.market, *numbers, source, row.created_at, *ids]


def _order(row: Any) -> list[Cell]:
    numbers = map(_decimal, (row.energy_ukwh, row.filled_ukwh, row.limit_price_ueur_per_kwh))
    stands = (row.placed_at, row.side.value, row.status.value, row.market)
    source = row.source and row.source.value
    return [*stands, *numbers, row.delivery_start, row.delivery_end, source, row.rule, row.closed_at, f"Order:{row.id}"]


def _decimal(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)
