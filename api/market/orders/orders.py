"""Orders over GraphQL: see, place and cancel them, and why they got what they got."""

from typing import TYPE_CHECKING, Any

import strawberry
from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many, part
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.graphql.periods import Period, PeriodInput
from api.graphql.scalars import DateTime, Micro, key_of
from api.market.orders import placing
from api.resources import clock
from domain.identity.keys import TRADE
from domain.market.orders import amending, orders, tables, visibility
from domain.market.orders.amending import Change
from domain.market.orders.orders import Proposal
from domain.market.orders.placements import Request
from domain.market.places import tables as market_tables

if TYPE_CHECKING:
    pass


@entity(tables.Order, visible=visibility.orders)
class Order(Node):
    """An offer to buy or sell energy. Visible to its owner, the owner's applications, and platform administrators."""

    market = edge(tables.Order.market_id, "Market", "The market it was placed in.")
    side: market_tables.OrderSide = column(tables.Order.side, "BUY or SELL.")
    status: tables.OrderStatus = column(tables.Order.status, "Where it stands.")
    energy_ukwh: Micro = column(
        tables.Order.energy_ukwh,
        "Energy in each interval of its delivery, or if FLEXIBLE in all, kWh.",
        name="energyKwh",
    )
    filled_ukwh: Micro = column(
        tables.Order.filled_ukwh, "Energy filled in all intervals of its delivery together, kWh.", name="filledKwh"
    )
    limit_price_ueur_per_kwh: Micro = column(
        tables.Order.limit_price_ueur_per_kwh,
        "At most (BUY) or at least (SELL) this price, EUR/kWh.",
        name="limitPrice",
    )
    source: market_tables.EnergySource | None = column(
        tables.Order.source,
        "Where the energy comes from, by the seller's plants; null where they are none or of several sources.",
    )
    accepts: tables.Acceptance = column(tables.Order.accepts, "What energy a buyer accepts; ANY on SELL orders.")
    filling: tables.OrderFilling = column(
        tables.Order.filling, "Whether the energy is meant for each interval of the delivery or for all together."
    )
    minimum_fill_ukwh: Micro = column(
        tables.Order.minimum_fill_ukwh,
        "At least so much in a delivery interval, or nothing there, kWh.",
        name="minimumFillKwh",
    )
    valid_until: DateTime | None = column(tables.Order.valid_until, "When it expires before its delivery, if it does.")
    replaces = edge(tables.Order.replaces_id, "Order", "The order that this one took the place of.", is_optional=True)
    closed_reason: str | None = column(tables.Order.closed_reason, "Why it was rejected; null otherwise.")
    held_ueur: Micro = column(
        tables.Order.held_ueur, "What is held of the owner's money for what is open, EUR.", name="held"
    )
    delivery: Period = part(
        Period,
        "The delivery; the energy applies to each interval of it, or if FLEXIBLE to all.",
        start=tables.Order.delivery_start,
        end=tables.Order.delivery_end,
    )
    placed_at: DateTime = column(tables.Order.placed_at, "When it was placed.")
    closed_at: DateTime | None = column(
        tables.Order.closed_at, "When it was filled, cancelled or expired; null while it is open."
    )


@strawberry.input(description="Which orders; all the given conditions must hold.")
class OrderFilter:
    status: list[tables.OrderStatus] | None = strawberry.field(default=None, description="Those that stand so.")
    side: market_tables.OrderSide | None = strawberry.field(default=None, description="Those of one side.")
    delivery: PeriodInput | None = strawberry.field(default=None, description="Those that deliver in a period.")


def conditions(given: OrderFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL. Raises BadUserInput."""
    found: list[ColumnElement[bool]] = []
    if given.status is not None:
        found.append(tables.Order.status == any_(literal(given.status, ARRAY(tables.Order.status.type))))
    if given.side is not None:
        found.append(tables.Order.side == given.side)
    if given.delivery is not None:
        period = given.delivery.span()
        found += [tables.Order.delivery_start < period.end, tables.Order.delivery_end > period.start]
    return found


def own_orders(description: str, **terms: Any) -> Any:
    """A connection of the viewer's orders with their filter."""
    return many("Order", description, filter=OrderFilter, where=conditions, visible=visibility.own_orders, **terms)


@extends("Market")
class OrdersOfMarket:
    orders = own_orders("Orders of the viewer in this market, oldest first.", on=tables.Order.market_id)


@strawberry.input(description="An order to place.")
class PlaceOrderInput:
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, 1 to 200 characters: the same key and input again give the same order."
    )
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    side: market_tables.OrderSide = strawberry.field(description="BUY or SELL.")
    energy_ukwh: Micro = strawberry.field(
        name="energyKwh",
        description="Energy in each interval of the delivery, kWh: 0.001 to 100000, whole watt-hours.",
    )
    limit_price_ueur_per_kwh: Micro = strawberry.field(
        name="limitPrice",
        description="At most (BUY) or at least (SELL) this price, EUR/kWh: -4 to 4 in steps of 0.0001.",
    )
    delivery: PeriodInput = strawberry.field(
        description="Whole delivery intervals of the market, starting after now and ending within its horizon."
    )
    source: market_tables.EnergySource | None = strawberry.field(
        default=None, description="Where the energy comes from; on SELL orders only."
    )
    accepts: tables.Acceptance = strawberry.field(
        default=tables.Acceptance.ANY, description="What energy is accepted; on BUY orders only."
    )
    filling: tables.OrderFilling = strawberry.field(
        default=tables.OrderFilling.PER_INTERVAL,
        description="Whether the energy is meant for each interval of the delivery, or for all of them together.",
    )
    minimum_fill_ukwh: Micro = strawberry.field(
        name="minimumFillKwh",
        default=Micro(0),
        description="At least so much of it in a delivery interval, or nothing there, kWh; all of it is all-or-none.",
    )
    valid_until: DateTime | None = strawberry.field(
        default=None, description="When what is open of it expires; by default when its delivery begins."
    )


@strawberry.input(description="An order to withdraw.")
class CancelOrderInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's open orders.")


@strawberry.input(description="New terms for what is open of an order; what is left out stays as it was.")
class AmendOrderInput:
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, 1 to 200 characters: the same key and input again give the same order."
    )
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's open orders.")
    energy_ukwh: Micro | None = strawberry.field(
        default=None,
        name="energyKwh",
        description="Energy from now on in each interval that is open (of a FLEXIBLE order in all), kWh.",
    )
    limit_price_ueur_per_kwh: Micro | None = strawberry.field(
        default=None, name="limitPrice", description="Limit price from now on, EUR/kWh."
    )
    minimum_fill_ukwh: Micro | None = strawberry.field(
        default=None, name="minimumFillKwh", description="Minimum fill from now on, kWh."
    )
    valid_until: DateTime | None = strawberry.field(default=None, description="When it expires from now on.")


@strawberry.type(description="The order that takes the place of the amended one, which is cancelled.")
class AmendOrderPayload(Payload):
    order = edge(None, "Order", "The new order.")


@strawberry.type(description="A placed order.")
class PlaceOrderPayload(Payload):
    order = edge(None, "Order", "The order.")


@strawberry.type(description="A withdrawn order; what was filled stays.")
class CancelOrderPayload(Payload):
    order = edge(None, "Order", "The order.")


@strawberry.type
class OrderViewer:
    orders = own_orders("Orders that the viewer placed, oldest first.")


@strawberry.type
class OrderMutations:
    @mutation("Place an order; applications need the scope trade.", scope=TRADE)
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderPayload:
        proposal = Proposal(
            market_id=key_of(input.market_id, "Market", "marketId"),
            side=input.side,
            energy_ukwh=input.energy_ukwh,
            limit_price_ueur_per_kwh=input.limit_price_ueur_per_kwh,
            delivery=input.delivery.span(),
            source=input.source,
            accepts=input.accepts,
            filling=input.filling,
            minimum_fill_ukwh=input.minimum_fill_ukwh,
            valid_until=input.valid_until,
        )
        queue = placing.queue_of(info.context.database)
        order_id = await queue.place(Request(info.context.caller, input.idempotency_key, proposal))
        info.context.refresh()
        return leading(PlaceOrderPayload(), order=order_id)

    @mutation(
        "Amend what is open of an order: it is cancelled and replaced, and keeps its place in time only where nothing "
        "but energy is reduced; applications need the scope trade.",
        scope=TRADE,
    )
    async def amend_order(self, info: Info, input: AmendOrderInput) -> AmendOrderPayload:
        change = Change(
            energy_ukwh=input.energy_ukwh,
            limit_price_ueur_per_kwh=input.limit_price_ueur_per_kwh,
            minimum_fill_ukwh=input.minimum_fill_ukwh,
            valid_until=input.valid_until,
        )
        amended, key = key_of(input.id, "Order", "id"), input.idempotency_key
        async with info.context.transaction() as session:
            order_id = await amending.amend(session, info.context.caller, key, amended, change, now=clock.now())
        return leading(AmendOrderPayload(), order=order_id)

    @mutation("Withdraw what is open of an order of the caller; applications need the scope trade.", scope=TRADE)
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> CancelOrderPayload:
        order_id = key_of(input.id, "Order", "id")
        async with info.context.transaction() as session:
            await orders.cancel(session, info.context.caller, order_id, now=clock.now())
        return leading(CancelOrderPayload(), order=order_id)
