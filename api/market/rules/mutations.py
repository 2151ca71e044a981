"""Make, change, simulate, activate, pause and end trading rules over GraphQL."""

from typing import Any

import strawberry

from api.engine.declarations import leading
from api.engine.fields import edge
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.periods import PeriodInput
from api.graphql.scalars import Micro, key_of
from api.resources import clock
from domain.identity.keys import TRADE
from domain.market.places.tables import EnergySource
from domain.market.rules import rules, simulations
from domain.market.rules.rules import HOURS, RuleTerms
from domain.market.rules.simulations import GridPrices
from domain.market.rules.tables import RuleKind, RuleStatus, Weekday

TRADING_RULE_STATUS = ErrorCode("TRADING_RULE_STATUS", "The trading rule stands where this cannot be done with it.")
TOO_MANY_TRADING_RULES = ErrorCode("TOO_MANY_TRADING_RULES", "The caller has as many trading rules as one may have.")


@strawberry.type(description="The trading rule stands where this cannot be done with it.")
class TradingRuleInOtherStatus(UserError):
    status: RuleStatus = strawberry.field(description="Where it stands.")


@strawberry.type(description="The caller has as many trading rules as one may have.")
class TooManyTradingRules(UserError):
    maximum: int = strawberry.field(description="How many rules that have not ended one may have.")


@refusal(rules.RuleInOtherStatus)
def _other_status(error: rules.RuleInOtherStatus) -> UserError:
    return TradingRuleInOtherStatus(code=TRADING_RULE_STATUS, message=error.message, path=["id"], status=error.status)


@refusal(rules.TooManyRules)
def _too_many(error: rules.TooManyRules) -> UserError:
    return TooManyTradingRules(code=TOO_MANY_TRADING_RULES, message=error.message, path=None, maximum=error.maximum)


@strawberry.input(description="What a trading rule says.")
class TradingRuleTermsInput:
    name: str = strawberry.field(description="1 to 120 characters.")
    timezone: str = strawberry.field(description="IANA zone of its hours and days, such as Europe/Rome.")
    price_ueur_per_kwh: Micro | None = strawberry.field(
        name="price",
        default=None,
        description="Sell at this price or above, buy at it or below, EUR/kWh: -4 to 4 in steps of 0.0001. "
        "Not for a reserve.",
    )
    reserve_ukwh: Micro | None = strawberry.field(
        name="reserveKwh", default=None, description="Energy to keep of each local day, kWh; for a reserve only."
    )
    reserve_ppm: Micro | None = strawberry.field(
        name="reserveShare",
        default=None,
        description="Share of the owner's storage to keep instead, above 0 and up to 1; for a reserve only.",
    )
    daily_ukwh_max: Micro | None = strawberry.field(
        name="dailyMaxKwh",
        default=None,
        description="The most to have open and traded for deliveries of one local day, kWh; null without limit.",
    )
    source: EnergySource | None = strawberry.field(
        default=None, description="Where the energy comes from; for a rule that sells only."
    )
    hours: list[int] = strawberry.field(
        default_factory=lambda: list(HOURS), description="Local hours in which deliveries begin, 0 to 23; default all."
    )
    weekdays: list[Weekday] = strawberry.field(
        default_factory=lambda: list(Weekday), description="Local days on which deliveries begin; default all."
    )
    lookahead_hours: int = strawberry.field(
        default=24, description="How long before a delivery to decide, 1 to 168 hours."
    )

    @property
    def terms(self) -> RuleTerms:
        """As the domain knows them."""
        given: dict[str, Any] = self.__dict__ | {"hours": tuple(self.hours), "weekdays": tuple(self.weekdays)}
        return RuleTerms(**given)


@strawberry.input(description="A trading rule to make; it does nothing until it is activated.")
class CreateTradingRuleInput:
    market_id: strawberry.ID = strawberry.field(description="Id of the market to trade in; it stays so.")
    kind: RuleKind = strawberry.field(description="What it does; it stays so.")
    terms: TradingRuleTermsInput = strawberry.field(description="What it says.")


@strawberry.input(description="What a trading rule says from now on.")
class UpdateTradingRuleInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's rules.")
    expected_version: int = strawberry.field(description="The version the caller has read.")
    terms: TradingRuleTermsInput = strawberry.field(
        description="All that it says; it counts for deliveries that are not decided yet."
    )


@strawberry.input(description="A trading rule to activate.")
class ActivateTradingRuleInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's rules, a draft or paused.")
    expected_version: int = strawberry.field(description="The version the caller has read.")


@strawberry.input(description="A trading rule to pause.")
class PauseTradingRuleInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's active rules.")
    expected_version: int = strawberry.field(description="The version the caller has read.")
    cancel_orders: bool = strawberry.field(
        default=False, description="Whether to withdraw its open orders; they stand otherwise."
    )


@strawberry.input(description="A trading rule to end for good.")
class EndTradingRuleInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's rules.")
    expected_version: int = strawberry.field(description="The version the caller has read.")
    cancel_orders: bool = strawberry.field(
        default=False, description="Whether to withdraw its open orders; they stand otherwise."
    )


@strawberry.input(description="A trading rule to run over the past.")
class SimulateTradingRuleInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's rules that trades, in any status.")
    period: PeriodInput = strawberry.field(description="Whole local days of the rule before today; at most 92.")
    grid_import_ueur_per_kwh: Micro | None = strawberry.field(
        name="gridImportPrice",
        default=None,
        description="What a kWh from the grid costs, -4 to 4 EUR/kWh; default the tariff of the market's zone.",
    )
    grid_export_ueur_per_kwh: Micro | None = strawberry.field(
        name="gridExportPrice",
        default=None,
        description="What a kWh to the grid earns, -4 to 4 EUR/kWh; default the tariff of the market's zone.",
    )


@strawberry.type(description="A trading rule as it is now.")
class TradingRulePayload(Payload):
    rule = edge(None, "TradingRule", "The rule.")


@strawberry.type(description="A trading rule that was made.")
class CreateTradingRulePayload(TradingRulePayload):
    pass


@strawberry.type(description="A trading rule that was changed.")
class UpdateTradingRulePayload(TradingRulePayload):
    pass


@strawberry.type(description="A trading rule that was activated.")
class ActivateTradingRulePayload(TradingRulePayload):
    pass


@strawberry.type(description="A trading rule that was paused.")
class PauseTradingRulePayload(TradingRulePayload):
    pass


@strawberry.type(description="A trading rule that was ended.")
class EndTradingRulePayload(TradingRulePayload):
    pass


@strawberry.type(description="The job that simulates; its result is a TradingRuleSimulation.")
class SimulateTradingRulePayload(Payload):
    job = edge(None, "Job", "The job, to be followed.")


@strawberry.type
class RuleMutations:
    @mutation("Draft a trading rule; applications need the scope trade.", scope=TRADE)
    async def create_trading_rule(self, info: Info, input: CreateTradingRuleInput) -> CreateTradingRulePayload:
        market_id = key_of(input.market_id, "Market", "marketId")
        async with info.context.transaction() as session:
            rule_id = await rules.create(session, info.context.caller, market_id, input.kind, input.terms.terms)
        return leading(CreateTradingRulePayload(), rule=rule_id)

    @mutation("Replace what a trading rule of the caller says; applications need the scope trade.", scope=TRADE)
    async def update_trading_rule(self, info: Info, input: UpdateTradingRuleInput) -> UpdateTradingRulePayload:
        rule_id = key_of(input.id, "TradingRule", "id")
        async with info.context.transaction() as session:
            await rules.change(session, info.context.caller, rule_id, input.terms.terms, **_on(input))
        return leading(UpdateTradingRulePayload(), rule=rule_id)

    @mutation("Let a trading rule of the caller act from now on; applications need the scope trade.", scope=TRADE)
    async def activate_trading_rule(self, info: Info, input: ActivateTradingRuleInput) -> ActivateTradingRulePayload:
        rule_id = key_of(input.id, "TradingRule", "id")
        async with info.context.transaction() as session:
            await rules.activate(session, info.context.caller, rule_id, **_on(input))
        return leading(ActivateTradingRulePayload(), rule=rule_id)

    @mutation("Let a trading rule of the caller rest; applications need the scope trade.", scope=TRADE)
    async def pause_trading_rule(self, info: Info, input: PauseTradingRuleInput) -> PauseTradingRulePayload:
        rule_id = key_of(input.id, "TradingRule", "id")
        async with info.context.transaction() as session:
            await rules.pause(session, info.context.caller, rule_id, **_stopping(input))
        return leading(PauseTradingRulePayload(), rule=rule_id)

    @mutation("End a trading rule of the caller for good; applications need the scope trade.", scope=TRADE)
    async def end_trading_rule(self, info: Info, input: EndTradingRuleInput) -> EndTradingRulePayload:
        rule_id = key_of(input.id, "TradingRule", "id")
        async with info.context.transaction() as session:
            await rules.end(session, info.context.caller, rule_id, **_stopping(input))
        return leading(EndTradingRulePayload(), rule=rule_id)

    @mutation("Run a trading rule of the caller over the past; applications need the scope trade.", scope=TRADE)
    async def simulate_trading_rule(self, info: Info, input: SimulateTradingRuleInput) -> SimulateTradingRulePayload:
        rule_id, period = key_of(input.id, "TradingRule", "id"), input.period.span()
        grid = GridPrices(input.grid_import_ueur_per_kwh, input.grid_export_ueur_per_kwh)
        async with info.context.transaction() as session:
            job_id = await simulations.ask(session, info.context.caller, rule_id, period, grid, now=clock.now())
        return leading(SimulateTradingRulePayload(), job=job_id)


def _on(input: Any) -> dict[str, Any]:
    """The version that a change was made on, and when."""
    return {"expected_version": input.expected_version, "now": clock.now()}


def _stopping(input: PauseTradingRuleInput | EndTradingRuleInput) -> dict[str, Any]:
    return _on(input) | {"cancel_orders": input.cancel_orders}
