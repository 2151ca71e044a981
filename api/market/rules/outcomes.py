"""What trading rules did, and how they would have done, over GraphQL."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, part
from api.graphql.periods import Period
from api.graphql.scalars import Date, DateTime, Micro
from domain.kernel.quantities import UEUR_PER_EUR, UKWH_PER_KWH
from domain.market.rules import visibility
from domain.market.rules.tables import TradingRuleRun as RunTable
from domain.market.rules.tables import TradingRuleSimulation as SimulationTable


@strawberry.type(description="What a rule offered for one delivery, and why: forecast less bound less kept.")
class TradingRuleDecision:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    energy_ukwh: Micro = strawberry.field(name="energyKwh", description="Energy offered or wanted, kWh.")
    forecast_ukwh: Micro = strawberry.field(
        name="forecastKwh", description="What was forecast to be injected, or to be withdrawn by a rule that buys, kWh."
    )
    bound_ukwh: Micro = strawberry.field(
        name="boundKwh", description="What orders had open or traded already for this delivery, kWh."
    )
    kept_ukwh: Micro = strawberry.field(name="keptKwh", description="What was kept for the storage, kWh.")
    left_on_day_ukwh: Micro | None = strawberry.field(
        name="leftOnDayKwh", description="What the daily limit left, kWh; null without a limit."
    )
    refusal: str | None = strawberry.field(
        description="Name of the refusal, such as InsufficientFunds; null where the order was placed."
    )
    message: str | None = strawberry.field(description="The refusal as a sentence; null where the order was placed.")
    order = edge(None, "Order", "The order; null where it was refused.")


@entity(RunTable, visible=visibility.of_rules(RunTable.owner_id), carries={"decided": RunTable.decisions})
class TradingRuleRun(Node):
    """What a rule decided at one time, where it placed an order or was refused one. Visible to the rule's owner."""

    rule = edge(RunTable.rule_id, "TradingRule", "The rule.")
    rule_version: int = column(RunTable.rule_version, "Version of the rule that decided.")
    delivery: Period = part(
        Period, "The deliveries that it decided on.", start=RunTable.delivery_start, end=RunTable.delivery_end
    )
    orders_count: int = column(RunTable.orders_count, "How many orders it placed.")
    refused_count: int = column(RunTable.refused_count, "How many orders were refused.")
    offered_ukwh: Micro = column(
        RunTable.offered_ukwh, "Energy of the orders that were placed, kWh.", name="offeredKwh"
    )
    created_at: DateTime = column(RunTable.created_at, "When it decided.")

    @strawberry.field(description="Its orders, placed and refused, by delivery; at most 24.")
    def decisions(self) -> list[TradingRuleDecision]:
        return [_decision(facts) for facts in self.__dict__["decided"]]


def _decision(facts: dict[str, Any]) -> TradingRuleDecision:
    left, order_id = facts["left_on_day_ukwh"], facts["order_id"]
    decision = TradingRuleDecision(
        delivery_start=DateTime(datetime.fromisoformat(facts["delivery_start"])),
        energy_ukwh=Micro(facts["energy_ukwh"]),
        forecast_ukwh=Micro(facts["forecast_ukwh"]),
        bound_ukwh=Micro(facts["bound_ukwh"]),
        kept_ukwh=Micro(facts["kept_ukwh"]),
        left_on_day_ukwh=None if left is None else Micro(left),
        refusal=facts["refusal"],
        message=facts["message"],
    )
    return leading(decision, order=None if order_id is None else UUID(order_id))


@strawberry.type(description="What a simulated rule would have done for the deliveries of one local day.")
class TradingRuleSimulationDay:
    day: Date = strawberry.field(description="The local day of the rule.")
    orders_count: int = strawberry.field(description="Orders that it would have placed.")
    offered_ukwh: Micro = strawberry.field(name="offeredKwh", description="Energy of these orders, kWh.")
    filled_ukwh: Micro = strawberry.field(name="filledKwh", description="Energy that would have been traded, kWh.")
    delivered_ukwh: Micro = strawberry.field(name="deliveredKwh", description="Of it what was metered, kWh.")
    amount_ueur: Micro = strawberry.field(
        name="amount", description="What the owner would have been paid, EUR; negative where the owner pays."
    )
    grid_amount_ueur: Micro | None = strawberry.field(
        name="gridAmount", description="The same for the energy delivered, by the grid's tariffs, EUR; null without."
    )


@strawberry.type(description="Orders that a simulated rule would have placed, by delivery: packed columns.")
class TradingRuleSimulationSeries:
    delivery_starts: list[DateTime] = strawberry.field(description="Starts of the deliveries.")
    offered_kwh: list[float] = strawberry.field(description="Energy of each order, kWh.")
    price_eur_per_kwh: list[float | None] = strawberry.field(
        name="price", description="Price cleared for each delivery, EUR/kWh; null where nothing was."
    )
    filled_kwh: list[float] = strawberry.field(description="Energy that would have been traded, kWh.")
    delivered_kwh: list[float] = strawberry.field(description="Of it what was metered, kWh.")


CARRIED = {"placed": SimulationTable.orders, "said": SimulationTable.parameters}


@entity(SimulationTable, visible=visibility.of_rules(SimulationTable.owner_id), carries=CARRIED)
class TradingRuleSimulation(Node):
    """A rule run over the past: as if it alone had traded for its owner and moved no price, with the market's charges.

    Visible to the rule's owner.
    """

    rule = edge(SimulationTable.rule_id, "TradingRule", "The rule.")
    rule_version: int = column(SimulationTable.rule_version, "Version of the rule that was simulated.")
    period: Period = part(
        Period, "The days of its deliveries.", start=SimulationTable.period_start, end=SimulationTable.period_end
    )
    orders_count: int = column(SimulationTable.orders_count, "Orders that it would have placed.")
    offered_ukwh: Micro = column(SimulationTable.offered_ukwh, "Energy of these orders, kWh.", name="offeredKwh")
    filled_ukwh: Micro = column(
        SimulationTable.filled_ukwh,
        "Energy that would have been traded at the prices of the past, kWh.",
        name="filledKwh",
    )
    delivered_ukwh: Micro = column(SimulationTable.delivered_ukwh, "Of it what was metered, kWh.", name="deliveredKwh")
    amount_ueur: Micro = column(
        SimulationTable.amount_ueur,
        "What the owner would have been paid after charges and penalties, EUR; negative where the owner pays.",
        name="amount",
    )
    grid_amount_ueur: Micro | None = column(
        SimulationTable.grid_amount_ueur,
        "The same for the energy delivered, by the grid's tariffs, EUR; null where a tariff is not known.",
        name="gridAmount",
    )
    gain_ueur: Micro | None = column(
        SimulationTable.amount_ueur - SimulationTable.grid_amount_ueur,
        "How much better than with the grid the owner would have done, EUR; null where a tariff is not known.",
        name="gain",
    )
    created_at: DateTime = column(SimulationTable.created_at, "When it was simulated.")

    @strawberry.field(description="What it would have done on each local day on which it had an order; at most 92.")
    def days(self) -> list[TradingRuleSimulationDay]:
        zone = ZoneInfo(self.__dict__["said"]["timezone"])
        days = groupby(self.__dict__["placed"], lambda order: _instant(order).astimezone(zone).date())
        return [_day(Date(day), list(orders)) for day, orders in days]

    @strawberry.field(description="The orders that it would have placed, by delivery.")
    def orders(self) -> TradingRuleSimulationSeries:
        placed = self.__dict__["placed"]
        prices = [order["price_ueur_per_kwh"] for order in placed]
        return TradingRuleSimulationSeries(
            delivery_starts=[DateTime(_instant(order)) for order in placed],
            offered_kwh=_kwh(placed, "offered_ukwh"),
            price_eur_per_kwh=[None if price is None else price / UEUR_PER_EUR for price in prices],
            filled_kwh=_kwh(placed, "filled_ukwh"),
            delivered_kwh=_kwh(placed, "delivered_ukwh"),
        )


def _instant(order: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(order["delivery_start"])


def _kwh(orders: Iterable[dict[str, Any]], name: str) -> list[float]:
    return [order[name] / UKWH_PER_KWH for order in orders]


def _day(day: Date, orders: list[dict[str, Any]]) -> TradingRuleSimulationDay:
    grid = [order["grid_amount_ueur"] for order in orders]
    return TradingRuleSimulationDay(
        day=day,
        orders_count=len(orders),
        offered_ukwh=_sum(orders, "offered_ukwh"),
        filled_ukwh=_sum(orders, "filled_ukwh"),
        delivered_ukwh=_sum(orders, "delivered_ukwh"),
        amount_ueur=_sum(orders, "amount_ueur"),
        grid_amount_ueur=None if None in grid else Micro(sum(grid)),
    )


def _sum(orders: Iterable[dict[str, Any]], name: str) -> Micro:
    return Micro(sum(order[name] for order in orders))
