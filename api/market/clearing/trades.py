"""Trades over GraphQL."""

from typing import Any

import strawberry
from sqlalchemy import ColumnElement, select, union_all

from api.engine.declarations import Node, entity, extends
from api.engine.fields import column, edge, many
from api.graphql.periods import PeriodInput
from api.graphql.scalars import DateTime, Micro
from domain.market.clearing import tables, visibility
from domain.market.places import tables as market_tables


@entity(tables.Trade, visible=visibility.trades)
class Trade(Node):
    """Energy sold by one order to another. Visible to everybody who signed in, without names; never edited."""

    market = edge(tables.Trade.market_id, "Market", "The market of the buyer.")
    seller_market = edge(
        tables.Trade.seller_market_id, "Market", "The market of the seller; another one when zones exchange energy."
    )
    clearing = edge(tables.Trade.clearing_id, "Clearing", "The clearing of the buyer's market that made the trade.")
    delivery_start: DateTime = column(tables.Trade.delivery_start, "Start of delivery.")
    delivery_end: DateTime = column(tables.Trade.delivery_end, "End of delivery.")
    energy_ukwh: Micro = column(tables.Trade.energy_ukwh, "Energy, kWh.", name="energyKwh")
    price_ueur_per_kwh: Micro = column(
        tables.Trade.price_ueur_per_kwh, "What the buyer pays, EUR/kWh: the price of the buyer's zone.", name="price"
    )
    seller_price_ueur_per_kwh: Micro = column(
        tables.Trade.seller_price_ueur_per_kwh,
        "What the seller gets, EUR/kWh: the price of the seller's zone. The difference pays for the transfer.",
        name="sellerPrice",
    )
    source: market_tables.EnergySource | None = column(
        tables.Trade.source, "Where the energy comes from; null where the seller did not say."
    )
    buy_order = edge(
        tables.Trade.buy_order_id,
        "Order",
        "The order that bought; null unless the viewer may see it.",
        is_optional=True,
    )
    sell_order = edge(
        tables.Trade.sell_order_id, "Order", "The order that sold; null unless the viewer may see it.", is_optional=True
    )
    created_at: DateTime = column(tables.Trade.created_at, "When it was made.")


def _by(*parents: Any) -> Any:
    """All trades once for each of the columns that name a parent, and once where two name the same."""
    first, second = parents
    every = tables.Trade.__table__.columns
    twice = select(*every, second.label("parent_id")).where(second != first)
    return union_all(select(*every, first.label("parent_id")), twice).subquery()


BY_ORDER = _by(tables.Trade.buy_order_id, tables.Trade.sell_order_id)
BY_MARKET = _by(tables.Trade.market_id, tables.Trade.seller_market_id)
BY_PARTY = _by(tables.Trade.buyer_id, tables.Trade.seller_id)


@strawberry.input(description="Which trades; all the given conditions must hold.")
class TradeFilter:
    delivery: PeriodInput | None = strawberry.field(
        default=None, description="Those whose delivery begins in a period."
    )


def conditions(given: TradeFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL. Raises BadUserInput."""
    if given.delivery is None:
        return []
    period, start = given.delivery.span(), tables.Trade.delivery_start
    return [start >= period.start, start < period.end]


def trades(description: str, **terms: Any) -> Any:
    """A connection of trades with their filter."""
    return many("Trade", description, filter=TradeFilter, where=conditions, **terms)


@extends("Market")
class TradesOfMarket:
    trades = trades(
        "Trades with a buyer or a seller in this market, oldest first; none for who is not signed in.",
        source=BY_MARKET,
        on=BY_MARKET.c.parent_id,
    )


@extends("Order")
class TradesOfOrder:
    fills = trades(
        "Trades of this order, oldest first.",
        source=BY_ORDER,
        on=BY_ORDER.c.parent_id,
    )


@strawberry.type
class TradeViewer:
    trades = trades(
        "Trades in which the viewer is the buyer or the seller, oldest first.",
        source=BY_PARTY,
        visible=lambda viewer: visibility.own_trades(viewer, BY_PARTY.c.parent_id),
    )
