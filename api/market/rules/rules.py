"""Trading rules over GraphQL: what they say and where they stand."""

import strawberry
from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

from api.engine.declarations import Node, entity, extends
from api.engine.fields import column, edge, enums, many
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from domain.market.orders.tables import Order as OrderTable
from domain.market.places.tables import EnergySource
from domain.market.rules import visibility
from domain.market.rules.tables import RuleKind, RuleStatus, Weekday
from domain.market.rules.tables import TradingRule as RuleTable
from domain.market.rules.tables import TradingRuleRun as RunTable
from domain.market.rules.tables import TradingRuleSimulation as SimulationTable

describe(
    RuleKind,
    "What a trading rule does.",
    SELL_SURPLUS_ABOVE="Offers what is forecast to be left over, at its price or above.",
    BUY_BELOW="Bids for what is forecast to be needed, at its price or below.",
    KEEP_BATTERY_RESERVE="Keeps energy for the storage out of what the owner's other rules offer.",
)
describe(
    RuleStatus,
    "Where a trading rule stands; the last one is final.",
    DRAFT="Made, and does nothing yet.",
    ACTIVE="Places orders, or keeps its reserve.",
    PAUSED="Rests.",
    ENDED="Over for good.",
)
describe(
    Weekday,
    "A day of the week, by the rule's own calendar.",
    **{day.name: f"{day.name.title()}s." for day in Weekday},
)


@entity(RuleTable, visible=visibility.of_rules(RuleTable.owner_id), carries={"local_hours": RuleTable.hours})
class TradingRule(Node):
    """Orders to be placed by themselves, from what is forecast. Visible to its owner, the owner's applications, and
    platform administrators.
    """

    market = edge(RuleTable.market_id, "Market", "The market it trades in.")
    kind: RuleKind = column(RuleTable.kind, "What it does.")
    status: RuleStatus = column(RuleTable.status, "Where it stands.")
    name: str = column(RuleTable.name, "Name.")
    price_ueur_per_kwh: Micro | None = column(
        RuleTable.price_ueur_per_kwh, "Sell above or buy below this price, EUR/kWh; null for a reserve.", name="price"
    )
    reserve_ukwh: Micro | None = column(
        RuleTable.reserve_ukwh,
        "Energy kept of each local day, kWh; null unless that is how a reserve is given.",
        name="reserveKwh",
    )
    reserve_ppm: Micro | None = column(
        RuleTable.reserve_ppm,
        "Share of the owner's storage kept of each local day, 0 to 1; null unless that is how a reserve is given.",
        name="reserveShare",
    )
    daily_ukwh_max: Micro | None = column(
        RuleTable.daily_ukwh_max,
        "The most that it has open and traded for deliveries of one local day, kWh; null without limit.",
        name="dailyMaxKwh",
    )
    source: EnergySource | None = column(RuleTable.source, "Where the energy that it sells comes from.")
    timezone: str = column(RuleTable.timezone, "IANA zone of its hours and days.")
    weekdays: list[Weekday] = column(enums(RuleTable.weekdays, Weekday), "Local days on which deliveries begin.")
    lookahead_hours: int = column(RuleTable.lookahead_hours, "How long before a delivery it decides, hours.")
    version: int = column(RuleTable.version, "Counts changes; a change names the version it was made on.")
    decided_until: DateTime | None = column(
        RuleTable.decided_until, "Deliveries that begin before are decided; null before the first."
    )
    stopped_reason: str | None = column(
        RuleTable.stopped_reason, "Why it was paused without its owner; null where it was not."
    )
    created_at: DateTime = column(RuleTable.created_at, "When it was made.")
    orders = many("Order", "Orders that it placed, oldest first.", on=OrderTable.rule_id)
    runs = many("TradingRuleRun", "What it did, oldest first.", on=RunTable.rule_id)
    simulations = many("TradingRuleSimulation", "How it would have done, oldest first.", on=SimulationTable.rule_id)

    @strawberry.field(description="Local hours in which deliveries begin, 0 to 23.")
    def hours(self) -> list[int]:
        hours: list[int] = self.__dict__["local_hours"]
        return hours


@extends("Order")
class RuleOfOrder:
    rule = edge(
        OrderTable.rule_id,
        "TradingRule",
        "The trading rule that placed it; null where a person or application did.",
        is_optional=True,
    )


@strawberry.input(description="Which trading rules; all the given conditions must hold.")
class TradingRuleFilter:
    status: list[RuleStatus] | None = strawberry.field(default=None, description="Those that stand so.")


def conditions(given: TradingRuleFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL."""
    if given.status is None:
        return []
    return [RuleTable.status == any_(literal(given.status, ARRAY(RuleTable.status.type)))]


@strawberry.type
class RuleViewer:
    trading_rules = many(
        "TradingRule",
        "Trading rules that the viewer made, oldest first.",
        filter=TradingRuleFilter,
        where=conditions,
        visible=visibility.own_rules(RuleTable.owner_id),
    )
